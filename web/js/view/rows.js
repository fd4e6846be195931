"use strict";

// A conversation as rows: the entries from one index to another with the lines between them, and each row's element.
// A row is an entry (or a line) with a signature; rows with equal key and signature look the same, so the view keeps
// their element.

const Rows = (() => {
  const GROUP_MSEC = 5 * 60_000;
  const SERVERS_TONES = new Set(["server", "error"]);

  /** Returns the entries of the timeline, then those of the outbox that belong to this conversation, as one list. */
  function all(conversation, outbox, nickname) {
    const waiting = outbox.filter((entry) => Conversations.keyOf(Outbox.target(entry)) === conversation.key);
    return waiting.length === 0
      ? conversation.timeline
      : [...conversation.timeline, ...waiting.map((entry) => asMessage(entry, nickname))];
  }

  function asMessage(entry, nickname) {
    return {
      kind: "message",
      key: `ref-${entry.ref}`,
      id: null,
      nickname,
      message: entry.message,
      at: entry.at,
      ref: entry.ref,
      action: entry.action === true,
      state: entry.state,
      reason: entry.reason,
      attempted: entry.attempted,
    };
  }

  /** Returns the rows of entries[start, end), with a line for each day and one above the unread. `now` in ms. */
  function slice(entries, start, end, { divider, now, loading }) {
    const rows = [];
    let previous = entries.slice(0, start).findLast((entry) => entry.at !== undefined) ?? null;
    for (const entry of entries.slice(start, end)) {
      if (entry.kind === "gap") {
        rows.push({
          ...entry,
          signature: `${entry.key} ${entry.before} ${loading} ${entry.failed === true}`,
          loading,
        });
        previous = null;
        continue;
      }
      if (previous === null || Wording.dayNumber(previous.at) !== Wording.dayNumber(entry.at)) {
        const label = Wording.day(entry.at, now);
        rows.push({ kind: "day", key: `day-${Wording.dayNumber(entry.at)}-${entry.key}`, label, signature: label });
        previous = null;
      }
      if (divider !== null && entry.id === divider && entry.kind === "message") {
        rows.push({ kind: "divider", key: "divider", signature: "divider" });
        previous = null;
      }
      const grouped = entry.kind === "message" && continues(previous, entry);
      rows.push({ ...entry, grouped, signature: signature(entry, grouped) });
      previous = entry;
    }
    return rows;
  }

  function continues(previous, entry) {
    return (
      previous !== null &&
      previous.kind === "message" &&
      !previous.action &&
      !entry.action &&
      Names.same(previous.nickname, entry.nickname) &&
      entry.at - previous.at < GROUP_MSEC
    );
  }

  function signature(entry, grouped) {
    if (entry.kind === "message") {
      const { id, state = "sent", attempted, nickname, reason = "" } = entry;
      return `${id} ${state} ${attempted} ${grouped} ${nickname} ${reason}`;
    }
    if (entry.kind === "presence") return `${entry.joined.join()} / ${entry.left.join()}`;
    return entry.key;
  }

  const build = {
    message(row, { nickname }) {
      const state = row.state ?? "sent";
      const mentioned =
        state === "sent" && !Names.same(row.nickname, nickname) && Mentions.has(row.message, nickname);
      const classes = [
        "message",
        row.grouped ? "grouped" : "first",
        row.action ? "action" : "",
        mentioned ? "mention" : "",
      ];
      const time = Dom.el(
        "time",
        { datetime: new Date(row.at).toISOString(), title: Wording.exact(row.at) },
        Wording.time(row.at),
      );
      const name = Dom.name(row.nickname);
      const text = Dom.el("div", { class: "text", dir: "auto" });
      // An action is a sentence about its author: the nickname opens it, inside the text's own line.
      text.append(...(row.action ? [name, " "] : []), ...Dom.withLinks(row.message));
      return Dom.el(
        "article",
        { class: classes.filter(Boolean).join(" "), "data-id": row.id, "data-state": state, "data-ref": row.ref },
        Dom.stamp(row.nickname),
        Dom.el("header", {}, row.action ? null : name, time),
        text,
        state === "sent" ? null : fate(row, state),
      );
    },

    day: (row) =>
      Dom.el(
        "div",
        { class: "day", role: "separator", "aria-label": row.label },
        Dom.el("span", { "aria-hidden": "true" }, row.label),
      ),

    divider: () =>
      Dom.el(
        "div",
        { class: "divider", role: "separator", "aria-label": "New messages" },
        Dom.el("span", { "aria-hidden": "true" }, "New"),
      ),

    gap(row) {
      const top = row.after === 0;
      const label = row.loading
        ? "Loading …"
        : row.failed
          ? "These messages could not be loaded. Try again"
          : top
            ? "Earlier messages"
            : "Messages were left out. Show them";
      return Dom.el(
        "div",
        { class: top ? "gap gap-top" : "gap" },
        Dom.el(
          "button",
          {
            type: "button",
            class: "gap-fill",
            "data-action": "fill",
            "data-after": row.after,
            "data-before": row.before,
          },
          label,
        ),
      );
    },

    presence(row) {
      const parts = [
        [row.joined, "joined"],
        [row.left, "left"],
      ]
        .filter(([list]) => list.length > 0)
        .map(([list, what]) => `${Wording.names(list)} ${what}`);
      return aside(row, parts.length === 0 ? "Somebody joined and left" : parts.join(" · "));
    },

    event: (row) => aside(row, row.text),
  };

  function aside(row, text) {
    return Dom.el(
      "div",
      { class: `event tone-${row.tone ?? "info"}` },
      Dom.el("time", { datetime: new Date(row.at).toISOString(), title: Wording.exact(row.at) }, Wording.time(row.at)),
      // What the server says may be in any language; the page's own sentences are English, whatever names are in them.
      Dom.el("div", { class: "event-text", dir: SERVERS_TONES.has(row.tone) ? "auto" : "ltr" }, ...Dom.sentence(text)),
    );
  }

  /** Says where an own message without an echo stands. The two hollow squares are a length still to be filled in. */
  function fate(row, state) {
    if (state === "pending") {
      const words = row.reason ?? (row.attempted ? "Sending" : "Waiting to be sent");
      return Dom.el(
        "p",
        { class: "fate" },
        Dom.el("span", { class: "mark hollow", "aria-hidden": "true" }, Dom.el("i"), Dom.el("i")),
        words,
      );
    }
    return Dom.el(
      "p",
      { class: "fate" },
      Dom.el("span", { class: "why" }, `Not sent: ${row.reason}`),
      Dom.el("button", { type: "button", class: "plain", "data-action": "retry", "data-ref": row.ref }, "Try again"),
      Dom.el("button", { type: "button", class: "plain", "data-action": "discard", "data-ref": row.ref }, "Discard"),
    );
  }

  /** Returns the element of a row. `nickname`: the person's own. */
  const element = (row, context) => build[row.kind](row, context);

  return { all, slice, element };
})();
