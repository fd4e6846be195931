"use strict";

// A conversation is a room, or the direct messages with one person. Pure: every function returns a new conversation. A
// collection of them is an object by key: "#room" or "@nickname", both folded.
//
// Rule 1: somebody may be called "constructor" or "__proto__". Objects keyed by nicknames are read with
// Object.hasOwn and written by a spread, never by an assignment.

const Conversations = (() => {
  const TYPING_MSEC = 6_000;
  const PRESENCE_MERGE_MSEC = 5 * 60_000;

  const roomKey = (room) => `#${Names.fold(Names.bare(room))}`;
  const directKey = (nickname) => `@${Names.fold(nickname)}`;

  /** Returns {kind, name} of the conversation that a packet with `room` or `to` belongs to, seen by `me`. */
  function target(packet, me) {
    if (packet.room !== undefined) return { kind: "room", name: packet.room };
    return { kind: "direct", name: Names.same(packet.nickname ?? "", me) ? packet.to : packet.nickname };
  }

  const keyOf = ({ kind, name }) => (kind === "room" ? roomKey(name) : directKey(name));

  /** Returns the field of a packet that addresses a conversation: {room} or {to}. */
  const address = (conversation) =>
    conversation.kind === "room" ? { room: conversation.name } : { to: conversation.name };

  /** What a conversation is called in a sentence. */
  const title = ({ kind, name }) => `${kind === "room" ? "#" : ""}${Wording.isolated(name)}`;

  /** `before`: nothing below this id is known yet. */
  function create({ kind, name }, before) {
    return {
      key: keyOf({ kind, name }),
      kind,
      name,
      joined: true,
      timeline: Timeline.unknown(before),
      topic: "",
      count: 0,
      members: {}, // folded nickname -> nickname as shown
      membersMore: false,
      membersLast: null, // the last nickname that the server listed: the next page begins behind it
      unread: 0,
      mentions: 0,
      readUpTo: 0, // the person read everything up to this id in another tab
      divider: null, // id of the first message that was unread: the view draws a line above it
      loading: null, // ref of the HISTORY under way
      typing: {}, // folded nickname -> {nickname, until}
      goal: null, // {id, serial}: the message that the view shall show
    };
  }

  function withMembers(conversation, users, count, more) {
    const members = Object.fromEntries(users.map((user) => [Names.fold(user), user]));
    return { ...conversation, members, count, membersMore: more, membersLast: users.at(-1) ?? null };
  }

  function joined(conversation, nickname, at) {
    const folded = Names.fold(nickname);
    if (Object.hasOwn(conversation.members, folded)) return conversation;
    return {
      ...conversation,
      members: { ...conversation.members, [folded]: nickname },
      count: conversation.count + 1,
      timeline: presence(conversation.timeline, "joined", nickname, at),
    };
  }

  function left(conversation, nickname, at) {
    const { [Names.fold(nickname)]: gone, ...members } = conversation.members;
    const { [Names.fold(nickname)]: _, ...typing } = conversation.typing;
    const count = Math.max(0, conversation.count - 1);
    return {
      ...conversation,
      members,
      count,
      typing,
      timeline: presence(conversation.timeline, "left", nickname, at),
    };
  }

  /** Joins and leaves in a row become one line: a busy room stays readable. */
  function presence(timeline, what, nickname, at) {
    const last = timeline.at(-1);
    if (last?.kind !== "presence" || at - last.at > PRESENCE_MERGE_MSEC) {
      const entry = { kind: "presence", key: `presence-${at}-${timeline.length}`, at, joined: [], left: [] };
      return Timeline.append(timeline, { ...entry, [what]: [nickname] });
    }
    const other = what === "joined" ? "left" : "joined";
    const others = last[other].filter((name) => !Names.same(name, nickname));
    // Somebody who left and came back within the line did nothing that others need to read.
    const names = others.length < last[other].length ? last[what] : [...last[what], nickname];
    return Timeline.change(timeline, last.key, (entry) => ({ ...entry, [what]: names, [other]: others }));
  }

  /** Returns a room as it is once we have left it. */
  const outside = (conversation) => ({ ...conversation, joined: false, count: 0, members: {} });

  function renamed(conversation, old, nickname, at) {
    const { [Names.fold(old)]: _, ...others } = conversation.members;
    const present = Object.hasOwn(conversation.members, Names.fold(old));
    const members = present ? { ...others, [Names.fold(nickname)]: nickname } : others;
    const text = `${Wording.isolated(old)} is now ${Wording.isolated(nickname)}`;
    const key = `nick-${at}-${conversation.timeline.length}`;
    return {
      ...conversation,
      members,
      timeline: Timeline.append(conversation.timeline, { kind: "event", key, text, at }),
    };
  }

  /**
   * Takes into a person's direct messages those with somebody who bore the nickname before: under one nickname there is
   * one conversation. What is still to be fetched is the person's own.
   */
  function merged(conversation, former) {
    const messages = former.timeline.filter((entry) => entry.kind === "message");
    const dividers = [conversation.divider, former.divider].filter((id) => id !== null);
    return {
      ...conversation,
      timeline: Timeline.merge(conversation.timeline, messages, 0, 0),
      unread: conversation.unread + former.unread,
      mentions: conversation.mentions + former.mentions,
      divider: dividers.length === 0 ? null : Math.min(...dividers),
    };
  }

  function typing(conversation, nickname, at) {
    const until = at + TYPING_MSEC;
    return { ...conversation, typing: { ...conversation.typing, [Names.fold(nickname)]: { nickname, until } } };
  }

  function stoppedTyping(conversation, nickname) {
    const folded = Names.fold(nickname);
    if (!Object.hasOwn(conversation.typing, folded)) return conversation;
    const { [folded]: _, ...typing } = conversation.typing;
    return { ...conversation, typing };
  }

  function expireTyping(conversation, now) {
    const still = Object.entries(conversation.typing).filter(([, { until }]) => until > now);
    if (still.length === Object.keys(conversation.typing).length) return conversation;
    return { ...conversation, typing: Object.fromEntries(still) };
  }

  /**
   * Adds a message. `seen`: the person looks at this conversation; `own`: the message is theirs; `mention`: the message
   * speaks of them. Returns the same conversation if the message is already there.
   */
  function received(conversation, entry, { seen, own, mention }) {
    const timeline = Timeline.add(conversation.timeline, entry);
    if (timeline === conversation.timeline) return conversation;
    const taken = { ...stoppedTyping(conversation, entry.nickname), timeline };
    if (own || seen || entry.id <= conversation.readUpTo) return taken;
    const divider = conversation.unread === 0 ? entry.id : conversation.divider;
    return {
      ...taken,
      divider,
      unread: conversation.unread + 1,
      mentions: conversation.mentions + (mention ? 1 : 0),
    };
  }

  const seen = (conversation) =>
    conversation.unread === 0 ? conversation : { ...conversation, unread: 0, mentions: 0 };

  /** The person read everything up to this id in another tab; whatever is above it stays unread. */
  function readUpTo(conversation, id) {
    if (id <= conversation.readUpTo) return conversation;
    const isAll = Timeline.newest(conversation.timeline) <= id;
    return { ...(isAll ? seen(conversation) : conversation), readUpTo: id };
  }

  /** Rooms first, then people, both by name. */
  function ordered(conversations) {
    return Object.values(conversations).sort(
      (one, other) => other.kind.localeCompare(one.kind) || one.name.localeCompare(other.name),
    );
  }

  /** Returns the members in the order of their folded names. */
  function memberNames(conversation) {
    const folded = Object.keys(conversation.members).sort();
    return folded.map((name) => conversation.members[name]);
  }

  return {
    roomKey,
    directKey,
    target,
    keyOf,
    address,
    title,
    create,
    withMembers,
    joined,
    left,
    outside,
    renamed,
    merged,
    typing,
    expireTyping,
    received,
    seen,
    readUpTo,
    ordered,
    memberNames,
  };
})();
