"use strict";

// Questions to the server and their answers: HISTORY, SEARCH, ROOMS, USERS. `ask…` functions send and remember
// the purpose; `received` finds it again by the answer's `ref` and takes the answer in. An answer that nobody
// waits for any more (the link was another one) is dropped.

const Requests = (() => {
  const PAGE = 60;
  const CONTEXT = 40;
  const SEARCH_PAGE = 40;

  const live = (turn) => turn.state.link.synced;

  /**
   * Asks for messages out of a gap: those just above its lower end (`side` "after") or just below its upper end
   * ("before"). One at a time in each conversation.
   */
  function askFill(turn, key, gap, side) {
    const conversation = turn.conversation(key);
    if (!live(turn) || conversation === null || conversation.loading !== null) return;
    const bound = side === "after" ? { after: gap.after } : { before: gap.before };
    askHistory(turn, conversation, { ...bound, limit: PAGE }, gap.key);
  }

  function askHistory(turn, conversation, bounds, gapKey = null) {
    const packet = { type: "HISTORY", ...Conversations.address(conversation), ...bounds };
    const ref = turn.ask(packet, { what: "history", key: conversation.key, gapKey, ...bounds });
    turn.update(conversation.key, (old) => ({ ...old, loading: ref }));
  }

  /** Shows a message among its neighbours, which are fetched unless they are here (a hit of a search). */
  function openContext(turn, message) {
    const target = Conversations.target(message, turn.state.nickname);
    const key = Conversations.keyOf(target);
    if (turn.conversation(key) === null) {
      if (target.kind === "room") return turn.note(`You are not in #${target.name} any more`, "error");
      turn.put(Conversations.create(target, turn.state.after + 1));
    }
    turn.look(key);
    turn.set({ serial: turn.state.serial + 1 });
    turn.update(key, (old) => ({ ...old, goal: { id: message.id, serial: turn.state.serial } }));
    const conversation = turn.conversation(key);
    if (Timeline.has(conversation.timeline, message.id) || !live(turn)) return;
    askHistory(turn, conversation, { before: message.id + 1, limit: CONTEXT });
    askHistory(turn, conversation, { after: message.id, limit: CONTEXT });
  }

  function askSearch(turn, search, before) {
    if (!live(turn))
      return turn.set({
        search: { ...turn.state.search, state: "failed", fault: "Searching needs the server; the link is down." },
      });
    const { query, from, room, since, until } = search;
    const ref = turn.ask(
      { type: "SEARCH", query, from, room, since, until, before, limit: SEARCH_PAGE },
      { what: "search", before },
    );
    const kept = before === undefined ? [] : turn.state.search.messages;
    turn.set({ search: { ...turn.state.search, wanted: search, ref, state: "asking", messages: kept, fault: null } });
  }

  function askDirectory(turn, after) {
    if (!live(turn)) return;
    turn.ask({ type: "ROOMS", after }, { what: "directory", after });
    turn.set({ directory: { ...turn.state.directory, asking: true } });
  }

  /** Asks for the members of a room in pages; the server's list is in the order of the folded names. */
  function askMembers(turn, key, after) {
    const conversation = turn.conversation(key);
    if (!live(turn) || conversation === null || conversation.kind !== "room") return;
    turn.ask({ type: "USERS", room: conversation.name, after }, { what: "members", key, after });
  }

  const answers = {
    history(turn, asked, packet) {
      const { messages, more } = packet;
      const first = messages[0]?.id ?? 0;
      const last = messages.at(-1)?.id ?? 0;
      // What a page tells: all between its open end and the bound that was asked for.
      const [from, to] =
        asked.after === undefined
          ? [more ? first : 0, asked.before - 1]
          : [asked.after + 1, more ? last : Number.MAX_SAFE_INTEGER];
      turn.update(asked.key, (old) => ({
        ...old,
        loading: old.loading === packet.ref ? null : old.loading,
        timeline: Timeline.merge(
          old.timeline,
          messages.map((message) => Timeline.message(message)),
          from,
          to,
        ),
      }));
      for (const message of messages) turn.setOutbox(Outbox.settle(turn.state.outbox, message.ref));
    },

    search(turn, asked, packet) {
      if (turn.state.search.ref !== packet.ref) return;
      const messages = [...turn.state.search.messages, ...packet.messages];
      turn.set({ search: { ...turn.state.search, state: "done", messages, more: packet.more } });
    },

    directory(turn, asked, packet) {
      const rooms = asked.after === undefined ? packet.rooms : [...turn.state.directory.rooms, ...packet.rooms];
      turn.set({ directory: { rooms, more: packet.more, asking: false } });
    },

    members(turn, asked, packet) {
      turn.update(asked.key, (old) => {
        const known = asked.after === undefined ? [] : Conversations.memberNames(old);
        // The new page comes last: its end is where the next one starts.
        return Conversations.withMembers(old, [...known, ...packet.users], packet.count, packet.more);
      });
    },

    "users-note"(turn, asked, packet) {
      const more = packet.more ? " …" : "";
      turn.note(`#${packet.room} has ${packet.count} members: ${packet.users.join(", ")}${more}`);
    },

    export: (turn, asked, packet) => Takeout.received(turn, asked, packet),
  };

  function received(turn, packet) {
    const asked = turn.answered(packet.ref);
    if (asked !== null && Object.hasOwn(answers, asked.what)) answers[asked.what](turn, asked, packet);
  }

  const failures = {
    history(turn, asked) {
      const broken = (entry) => ({ ...entry, failed: true });
      turn.update(asked.key, (old) => ({
        ...old,
        loading: null,
        timeline: asked.gapKey === null ? old.timeline : Timeline.change(old.timeline, asked.gapKey, broken),
      }));
      return false;
    },
    search(turn, asked, message) {
      turn.set({ search: { ...turn.state.search, state: "failed", fault: message } });
      return true;
    },
    directory(turn) {
      turn.set({ directory: { ...turn.state.directory, asking: false } });
      return false;
    },
    export(turn, asked, message) {
      Takeout.failed(turn, message);
      return true;
    },
  };

  /** An ERROR answered a question. Returns whether the person has been told where they look. */
  function failed(turn, asked, message) {
    return asked !== null && Object.hasOwn(failures, asked.what) ? failures[asked.what](turn, asked, message) : false;
  }

  return { askFill, askSearch, askDirectory, askMembers, openContext, received, failed };
})();
