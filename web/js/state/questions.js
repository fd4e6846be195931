"use strict";

// Questions to the server and their answers: HISTORY, SEARCH, ROOMS, USERS. `ask…` functions send a question and
// remember its purpose; `received` finds the purpose again by the answer's `ref` and takes the answer in. An answer
// whose question went over an earlier connection is dropped.

const Questions = (() => {
  const PAGE = 60;
  const CONTEXT = 40;
  const SEARCH_PAGE = 40;

  /**
   * Asks for messages out of a gap: those just above its lower end (`side` "after") or just below its upper end
   * ("before"). One at a time in each conversation.
   */
  function askFill(reduction, key, gap, side) {
    const conversation = reduction.conversation(key);
    if (!reduction.isLive || conversation === null || conversation.loading !== null) return;
    const bound = side === "after" ? { after: gap.after } : { before: gap.before };
    askHistory(reduction, conversation, { ...bound, limit: PAGE }, gap.key);
  }

  function askHistory(reduction, conversation, bounds, gapKey = null) {
    const packet = { type: "HISTORY", ...Conversations.address(conversation), ...bounds };
    const ref = reduction.ask(packet, { what: "history", key: conversation.key, gapKey, ...bounds });
    reduction.update(conversation.key, (old) => ({ ...old, loading: ref }));
  }

  /** Shows a message among its neighbours, which are fetched unless they are here (a hit of a search). */
  function openContext(reduction, message) {
    const target = Conversations.target(message, reduction.state.nickname);
    const key = Conversations.keyOf(target);
    if (reduction.conversation(key) === null) {
      const left = `You are not in ${Conversations.title(target)} any more`;
      if (target.kind === "room") return reduction.note(left, "error");
      reduction.put(Conversations.create(target, reduction.state.after + 1));
    }
    reduction.look(key);
    reduction.set({ serial: reduction.state.serial + 1 });
    reduction.update(key, (old) => ({ ...old, goal: { id: message.id, serial: reduction.state.serial } }));
    const conversation = reduction.conversation(key);
    if (Timeline.has(conversation.timeline, message.id) || !reduction.isLive) return;
    askHistory(reduction, conversation, { before: message.id + 1, limit: CONTEXT });
    askHistory(reduction, conversation, { after: message.id, limit: CONTEXT });
  }

  function askSearch(reduction, search, before) {
    const { search: old } = reduction.state;
    if (!reduction.isLive) {
      const fault = "Searching needs the server, and there is no connection.";
      return reduction.set({ search: { ...old, state: "failed", fault } });
    }
    const { query, from, room, since, until } = search;
    const ref = reduction.ask(
      { type: "SEARCH", query, from, room, since, until, before, limit: SEARCH_PAGE },
      { what: "search", before },
    );
    const messages = before === undefined ? [] : old.messages;
    reduction.set({ search: { ...old, wanted: search, ref, state: "asking", messages, fault: null } });
  }

  function askDirectory(reduction, after) {
    if (!reduction.isLive) return;
    reduction.ask({ type: "ROOMS", after }, { what: "directory", after });
    reduction.set({ directory: { ...reduction.state.directory, asking: true } });
  }

  /** Asks for the members of a room in pages; the server's list is in the order of the folded names. */
  function askMembers(reduction, key, after) {
    const conversation = reduction.conversation(key);
    if (!reduction.isLive || conversation === null || conversation.kind !== "room") return;
    reduction.ask({ type: "USERS", room: conversation.name, after }, { what: "members", key, after });
  }

  const answers = {
    history(reduction, asked, packet) {
      const { more } = packet;
      const messages = [...packet.messages].sort((one, other) => one.id - other.id);
      const first = messages[0]?.id ?? 0;
      const last = messages.at(-1)?.id ?? 0;
      // The page holds all messages between its open end and the bound that was asked for.
      const [from, to] =
        asked.after === undefined
          ? [more ? first : 0, asked.before - 1]
          : [asked.after + 1, more ? last : Number.MAX_SAFE_INTEGER];
      reduction.update(asked.key, (old) => ({
        ...old,
        loading: old.loading === packet.ref ? null : old.loading,
        timeline: Timeline.merge(
          old.timeline,
          messages.map((message) => Timeline.message(message)),
          from,
          to,
        ),
      }));
      for (const message of messages) reduction.setOutbox(Outbox.settle(reduction.state.outbox, message.ref));
    },

    search(reduction, asked, packet) {
      if (reduction.state.search.ref !== packet.ref) return;
      const messages = [...reduction.state.search.messages, ...packet.messages];
      // A server may stop looking before it found anything: then it says where the next page begins.
      const next = packet.more ? (packet.before ?? packet.messages.at(-1)?.id ?? null) : null;
      const search = { ...reduction.state.search, state: "done", messages, more: next !== null, next };
      reduction.set({ search });
    },

    directory(reduction, asked, packet) {
      const rooms = asked.after === undefined ? packet.rooms : [...reduction.state.directory.rooms, ...packet.rooms];
      reduction.set({ directory: { rooms, more: packet.more, asking: false } });
    },

    members(reduction, asked, packet) {
      reduction.update(asked.key, (old) => {
        const known = asked.after === undefined ? [] : Conversations.memberNames(old);
        // The new page comes last: its end is where the next one starts.
        return Conversations.withMembers(old, [...known, ...packet.users], packet.count, packet.more);
      });
    },

    "users-note"(reduction, asked, packet) {
      const more = packet.more ? " …" : "";
      const users = packet.users.map(Wording.isolated).join(", ");
      reduction.note(`#${Wording.isolated(packet.room)} has ${packet.count} members: ${users}${more}`);
    },

    export: (reduction, asked, packet) => Export.received(reduction, asked, packet),
  };

  function received(reduction, packet) {
    const asked = reduction.answered(packet.ref);
    if (asked !== null && Object.hasOwn(answers, asked.what)) answers[asked.what](reduction, asked, packet);
  }

  const failures = {
    history(reduction, asked) {
      const broken = (entry) => ({ ...entry, failed: true });
      reduction.update(asked.key, (old) => ({
        ...old,
        loading: null,
        timeline: asked.gapKey === null ? old.timeline : Timeline.change(old.timeline, asked.gapKey, broken),
      }));
      return false;
    },
    search(reduction, asked, message) {
      reduction.set({ search: { ...reduction.state.search, state: "failed", fault: message } });
      return true;
    },
    directory(reduction) {
      reduction.set({ directory: { ...reduction.state.directory, asking: false } });
      return false;
    },
    export(reduction, asked, message) {
      Export.failed(reduction, message);
      return true;
    },
  };

  /** An ERROR answered a question. Returns whether the person has been told where they look. */
  function failed(reduction, asked, message) {
    if (asked === null || !Object.hasOwn(failures, asked.what)) return false;
    return failures[asked.what](reduction, asked, message);
  }

  return { askFill, askSearch, askDirectory, askMembers, openContext, received, failed };
})();
