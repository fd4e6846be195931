"use strict";

// What the packets about rooms and messages do to the state: a table, type -> handler(reduction, packet).
// session_packets.js has those about the session itself.

const ChatPackets = (() => {
  const LEFT_BECAUSE = {
    kicked: "You were removed from this room",
    timeout: "You were away too long and left this room",
  };

  /** Returns the server's time of an event, where it gives one: this device's clock may be wrong. */
  const when = (reduction, { timestamp }) => (timestamp === undefined ? reduction.at : Date.parse(timestamp));

  const on = {};

  on.ROOM = (reduction, packet) => {
    const asked = reduction.answered(packet.ref);
    const key = Conversations.roomKey(packet.room);
    const known = reduction.conversation(key);
    if (known === null && packet.users === undefined) return;
    const newest = packet.id ?? reduction.state.after;
    const { connection, after } = reduction.state;
    const isFresh = connection.phase === "catching up" && !connection.resumed;
    // A resumed session's replay brings all above `after`; otherwise the next message is above the room's newest.
    const start = isFresh || reduction.isLive ? newest : Math.min(newest, after);
    const missed = known !== null && (!known.joined || isFresh);
    let room = known ?? Conversations.create({ kind: "room", name: packet.room }, start + 1);
    if (missed) room = { ...room, timeline: Timeline.leaveOut(room.timeline, 0, newest + 1) };
    room = { ...room, joined: true, name: packet.room, topic: packet.topic ?? room.topic, count: packet.count };
    if (packet.users !== undefined) {
      room = Conversations.withMembers(room, packet.users, packet.count, packet.users.length < packet.count);
    }
    reduction.put(room);
    if (asked?.what === "join" || reduction.state.current === null) reduction.look(key);
    if (reduction.state.greeting) reduction.note(reduction.state.greeting, "server");
    if (reduction.state.greeting !== null) reduction.set({ greeting: null });
  };

  on.MSG = (reduction, packet) => {
    const { state } = reduction;
    const target = Conversations.target(packet, state.nickname);
    const key = Conversations.keyOf(target);
    const settles = Outbox.has(state.outbox, packet.ref);
    reduction.set({ after: Math.max(state.after, packet.id) });
    reduction.setOutbox(Outbox.settle(state.outbox, packet.ref));
    if (reduction.conversation(key) === null) reduction.put(Conversations.create(target, packet.id));
    const own = Names.same(packet.nickname, state.nickname);
    const seen = state.attentive && state.current === key;
    const mention = target.kind === "direct" || Mentions.has(packet.message, state.nickname);
    const entry = Timeline.message(packet, settles);
    reduction.update(key, (old) => Conversations.received(old, entry, { seen, own, mention }));
  };

  on.JOIN = (reduction, packet) => {
    const key = Conversations.roomKey(packet.room);
    const own = Names.same(packet.nickname, reduction.state.nickname);
    const isAsked = Object.values(reduction.state.asked).some((asked) => asked.what === "join" && asked.key === key);
    // Another tab of ours went in: the answer to a JOIN of our own tells this tab the members and the topic.
    if (own && reduction.conversation(key)?.joined !== true && !isAsked)
      reduction.ask({ type: "JOIN", room: packet.room }, { what: "follow" });
    if (!own || reduction.conversation(key)?.joined)
      reduction.update(key, (old) => Conversations.joined(old, packet.nickname, when(reduction, packet)));
  };

  on.LEAVE = (reduction, packet) => {
    reduction.answered(packet.ref);
    const key = Conversations.roomKey(packet.room);
    if (!Names.same(packet.nickname, reduction.state.nickname)) {
      reduction.update(key, (old) => Conversations.left(old, packet.nickname, when(reduction, packet)));
    } else if (packet.reason === "left" || packet.reason === "quit") {
      reduction.leave(key);
    } else {
      const said = packet.message === undefined ? "" : `: ${Wording.isolated(packet.message)}`;
      const why = Object.hasOwn(LEFT_BECAUSE, packet.reason)
        ? LEFT_BECAUSE[packet.reason]
        : `You left this room (${Wording.isolated(packet.reason)})`;
      reduction.note(`${why}${said}`, "error", key);
      reduction.update(key, Conversations.outside);
    }
  };

  on.TOPIC = (reduction, packet) => {
    reduction.answered(packet.ref);
    const who = Wording.isolated(packet.nickname);
    const text =
      packet.topic === "" ? `${who} cleared the topic` : `${who} set the topic: ${Wording.isolated(packet.topic)}`;
    const key = Conversations.roomKey(packet.room);
    reduction.update(key, (old) => ({ ...old, topic: packet.topic }));
    reduction.note(text, "info", key, when(reduction, packet));
  };

  on.NICK = (reduction, packet) => {
    reduction.update(Conversations.roomKey(packet.room), (old) =>
      Conversations.renamed(old, packet.old, packet.nickname, when(reduction, packet)),
    );
    followRename(reduction, packet.old, packet.nickname);
  };

  /** Somebody with whom we have a direct conversation goes by another nickname: the conversation follows. */
  function followRename(reduction, old, nickname) {
    const direct = reduction.conversation(Conversations.directKey(old));
    const key = Conversations.directKey(nickname);
    if (direct === null) return;
    const { [direct.key]: _, [key]: former = null, ...others } = reduction.state.conversations;
    const { current: before } = reduction.state;
    const current = before === direct.key ? key : before;
    const named = { ...direct, key, name: nickname };
    const moved = former === null || direct.key === key ? named : Conversations.merged(named, former);
    const outbox = reduction.state.outbox.map((entry) =>
      entry.to !== undefined && Names.same(entry.to, old) ? { ...entry, to: nickname } : entry,
    );
    reduction.set({ conversations: { ...others, [key]: moved }, current, outbox });
    reduction.moveDraft(direct.key, key);
    if (current === key && reduction.state.attentive) reduction.update(key, Conversations.seen);
  }

  on.TYPING = (reduction, packet) => {
    if (Names.same(packet.nickname, reduction.state.nickname)) return;
    const key = Conversations.keyOf(Conversations.target(packet, reduction.state.nickname));
    reduction.update(key, (old) => Conversations.typing(old, packet.nickname, reduction.at));
  };

  for (const type of ["HISTORY", "SEARCH", "ROOMS", "USERS"])
    on[type] = (reduction, packet) => Questions.received(reduction, packet);

  return { on };
})();
