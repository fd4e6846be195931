"use strict";

// What each command does: functions (rest of the line, state, now in ms) -> the events that do it. Their names and
// arguments are in commands.js.

const Handlers = (() => {
  /** The person's slip, as a sentence for them. */
  class CommandError extends Error {
    constructor(sentence) {
      super(sentence.charAt(0).toUpperCase() + sentence.slice(1));
    }
  }

  const NOWHERE = "you are not in a room; use /join ROOM";

  const current = (state) => state.conversations[state.current] ?? null;
  const words = (rest) => rest.split(/\s+/u).filter((word) => word !== "");
  const request = (packet, purpose = {}) => [{ type: "request", packet, purpose }];
  const note = (text) => [{ type: "note", text }];

  const shown = (text) => Wording.isolated(text);

  function room(name) {
    const why = Names.roomFault(name);
    if (why !== null) throw new CommandError(why);
    return Names.bare(name);
  }

  function nickname(name) {
    const why = Names.nicknameFault(name);
    if (why !== null) throw new CommandError(why);
    return name;
  }

  function number(text, usage) {
    if (!/^\d{1,9}$/u.test(text) || Number(text) === 0) throw new CommandError(`usage: ${usage}`);
    return Number(text);
  }

  /** Returns the first word, and what follows it. */
  function parted(rest) {
    const [, word, others] = /^(\S*)\s*([^]*)$/u.exec(rest);
    return [word, others];
  }

  /** Several rooms are parted by a comma or a #. Two words are refused: they are more often one name than two rooms. */
  function join(rest) {
    const names = rest.split(/,|\s+(?=#)/u).flatMap((name) => name.trim() || []);
    if (names.length === 0) throw new CommandError("usage: /join ROOM, …");
    const spaced = names.find((name) => words(name).length > 1);
    if (spaced !== undefined) {
      const [hyphens, commas] = ["-", ", "].map((sign) => shown(words(spaced).join(sign)));
      throw new CommandError(`a room's name has no spaces; use /join ${hyphens}, or /join ${commas} for several rooms`);
    }
    return names.flatMap((name) =>
      request({ type: "JOIN", room: room(name) }, { what: "join", key: Conversations.roomKey(name) }),
    );
  }

  /** Leaves the room that the first word names, else the one shown: then the words are the reason. */
  function leave(rest, state) {
    const [word, others] = parted(rest);
    const named = word === "" ? null : (state.conversations[Conversations.roomKey(word)] ?? null);
    if (named === null && word.startsWith("#")) return left(room(word), others);
    const conversation = named ?? current(state);
    const reason = named === null ? rest : others;
    if (conversation === null) throw new CommandError(NOWHERE);
    if (reason === "" || conversation.kind !== "room")
      return [{ type: "leaveConversation", key: conversation.key }];
    return left(conversation.name, reason);
  }

  const left = (name, reason) =>
    request({ type: "LEAVE", room: name, message: reason === "" ? undefined : reason }, { what: "leave" });

  function msg(rest, state) {
    const [who, text] = parted(rest);
    const isRoom = who.startsWith("#");
    const name = isRoom ? room(who) : nickname(who.replace(/^@/u, ""));
    const key = isRoom ? Conversations.roomKey(name) : Conversations.directKey(name);
    if (isRoom && state.conversations[key]?.joined !== true)
      throw new CommandError(`you are not in #${shown(name)}; use /join ${shown(name)}`);
    const open = isRoom ? { type: "look", key } : { type: "direct", nickname: name };
    return text === "" ? [open] : [open, { type: "say", text, key }];
  }

  const me = (rest) => [{ type: "say", text: rest, action: true }];

  const nick = (rest) => request({ type: "NICK", nickname: nickname(rest) }, { what: "rename" });

  function topic(rest, state) {
    const conversation = current(state);
    if (conversation?.kind !== "room") throw new CommandError("only a room has a topic");
    const { name, topic: old } = conversation;
    if (rest === "") return note(old === "" ? `#${shown(name)} has no topic` : `The topic is: ${shown(old)}`);
    if (Wire.length(rest) > state.hello.limits.topic)
      throw new CommandError(`a topic has at most ${state.hello.limits.topic} characters`);
    return request({ type: "TOPIC", room: name, topic: rest === "-" ? "" : rest });
  }

  function users(rest, state) {
    if (rest !== "") return request({ type: "USERS", room: room(rest) }, { what: "users-note" });
    if (current(state)?.kind !== "room") throw new CommandError("usage: /users ROOM");
    return [{ type: "panel", panel: "members", open: true }];
  }

  const rooms = () => [{ type: "panel", panel: "browse", open: true }];

  /** The number is a pipe's: here as much comes as is read. */
  function history(rest, state) {
    if (rest !== "") number(rest, "/history [NUMBER]");
    if (current(state) === null) throw new CommandError(NOWHERE);
    const gap = current(state).timeline.findLast((entry) => entry.kind === "gap");
    if (gap === undefined) return note("There are no earlier messages");
    return [{ type: "fill", key: state.current, gap, side: "before" }];
  }

  function search(rest, state, now) {
    try {
      return [{ type: "search", search: Query.parse(rest, now), text: rest, open: true }];
    } catch (fault) {
      if (fault instanceof Query.QueryError) throw new CommandError(fault.message);
      throw fault;
    }
  }

  function more(rest, { search: { more: isMore } }) {
    if (!isMore) throw new CommandError("there are no older hits; use /search WORDS");
    return [{ type: "searchMore" }, { type: "panel", panel: "search", open: true }];
  }

  function context(rest, { search: { messages } }) {
    const at = number(rest, "/context NUMBER");
    if (at > messages.length) throw new CommandError(`there is no hit ${at}; use /search WORDS`);
    return [{ type: "openContext", message: messages[at - 1], chosen: true }];
  }

  const exported = (rest) => [{ type: "export", name: rest === "" ? undefined : rest }];

  /** Goes by number, as the rooms and people stand at the side, or by name. */
  function goTo(rest, state) {
    const all = Conversations.ordered(state.conversations);
    if (rest === "") return note(all.map((one, at) => `${at + 1} ${target(one)}`).join("  ") || "Nothing is open");
    const names = rest.startsWith("@")
      ? [Conversations.directKey(rest.slice(1))]
      : [Conversations.roomKey(rest), Conversations.directKey(rest)];
    const key = /^\d+$/u.test(rest) ? all[Number(rest) - 1]?.key : undefined;
    const found = key ?? names.find((name) => Object.hasOwn(state.conversations, name));
    if (found === undefined) throw new CommandError(`${shown(rest)} is not open; use /join ROOM or /msg NICKNAME`);
    return [{ type: "look", key: found, chosen: true }];
  }

  const target = ({ kind, name }) => `${kind === "room" ? "#" : "@"}${shown(name)}`;

  function close(rest, state) {
    if (current(state) === null) throw new CommandError(NOWHERE);
    return [{ type: "leaveConversation", key: state.current }];
  }

  const keyOf = ({ room: name, to }) =>
    name === undefined ? Conversations.directKey(to) : Conversations.roomKey(name);

  const retry = (rest, state) => failed(state).map((ref) => ({ type: "retry", ref }));
  const drop = (rest, state) => failed(state).map((ref) => ({ type: "discard", ref }));

  function failed(state) {
    const here = (entry) => keyOf(entry) === state.current;
    const refs = state.outbox.filter((entry) => entry.state === "failed" && here(entry)).map(({ ref }) => ref);
    if (refs.length === 0) throw new CommandError("no failed message is shown here");
    return refs;
  }

  const quit = (rest) => [{ type: "quit", message: rest === "" ? undefined : rest }];

  return {
    CommandError,
    NOWHERE,
    note,
    join,
    leave,
    msg,
    me,
    nick,
    topic,
    users,
    rooms,
    history,
    search,
    more,
    context,
    export: exported,
    switch: goTo,
    close,
    retry,
    drop,
    quit,
  };
})();
