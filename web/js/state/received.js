"use strict";

// What each packet from the server does to the state: a table, type -> handler(turn, packet). A type that isn't
// in it is ignored. Opening, resuming and resending (PROTOCOL.md sections 3 and 5) are READY, PONG, GAP and
// RETRY below.

const Received = (() => {
  // These say "not now": the message stays pending and is tried again. Every other code is a refusal.
  const PASSING = new Set(["rate_limited", "log_unavailable", "not_ready"]);
  // After these the server doesn't want us back; after any other BYE the page reconnects.
  const FINAL = new Set(["quit", "kicked", "forbidden", "protocol"]);
  const LEFT_BECAUSE = {
    kicked: "You were removed from this room",
    timeout: "You were away too long and left this room",
  };

  /** What the server tells has the server's time: this device's clock may be wrong. */
  const when = (turn, { timestamp }) => (timestamp === undefined ? turn.at : Date.parse(timestamp));

  const on = {};

  on.HELLO = (turn, packet) => {
    if (packet.protocol !== 1) return unknownProtocol(turn, packet.protocol);
    const limits = { ...turn.state.hello.limits, ...packet.limits };
    const needsPassword = packet.server_password === true;
    turn.set({ hello: { name: packet.server ?? "", motd: packet.motd ?? "", limits, needsPassword } });
    turn.setLink({ greeted: true, why: null });
    if (turn.state.phase === "signin") return;
    if (needsPassword && turn.state.serverPassword === "") {
      turn.set({
        phase: "signin",
        refusal: { reason: "server_password", message: "This server asks for a password." },
      });
      return;
    }
    introduce(turn);
  };

  function unknownProtocol(turn, version) {
    const message = `The server speaks version ${version} of the protocol; this page knows version 1.`;
    turn.set({ phase: "signin", refusal: { reason: "protocol", message } });
    turn.setLink({ state: "offline", since: turn.at, stopped: true });
    turn.effect("stop");
  }

  /** Sends NICK: the first time, on coming back, and again after a RETRY. */
  function introduce(turn, { withRooms = true } = {}) {
    const { nickname, token, epoch, after, serverPassword, password } = turn.state;
    const rooms = joinedRooms(turn.state);
    turn.ask(
      {
        type: "NICK",
        nickname,
        client: "wordpacket-web",
        ...(withRooms && rooms.length > 0 ? { rooms } : {}),
        ...(serverPassword === "" ? {} : { server_password: serverPassword }),
        ...(password === "" ? {} : { password }),
        ...(token === null ? {} : { token, epoch, after }),
      },
      { what: "introduction", withRooms },
    );
  }

  const joinedRooms = ({ conversations }) =>
    Object.values(conversations)
      .filter((one) => one.kind === "room" && one.joined)
      .map((one) => one.name);

  on.READY = (turn, packet) => {
    const { nickname, epoch, link } = turn.state;
    const asked = turn.answered(packet.ref);
    // A rename, here or in another tab, brings a READY that opens nothing: same log, another nickname.
    const renamed = link.ready && !packet.resumed && packet.epoch === epoch && packet.nickname !== nickname;
    if (asked?.what === "rename" || renamed) turn.set({ nickname: packet.nickname, token: packet.token });
    else open(turn, packet);
  };

  /** The session is open, anew or resumed. What it missed follows; the PONG to our PING says when that is over. */
  function open(turn, packet) {
    const { state } = turn;
    const { nickname, token, epoch, resumed } = packet;
    const otherLog = state.epoch !== null && state.epoch !== epoch;
    if (state.token !== null && !resumed) {
      const reason = "You came back as a new user. It may have been sent before.";
      turn.set({ outbox: Outbox.disown(state.outbox, reason), identity: null });
    }
    const identity = turn.state.identity ?? `${nickname} since ${turn.at}`;
    // READY's id comes before the replay: it is the cursor only when there is none (section 5).
    const after = !resumed ? packet.id : otherLog ? 0 : state.after;
    turn.set({ phase: "chat", refusal: null, nickname, token, epoch, identity, after, asked: {} });
    turn.set({
      outbox: Outbox.unsend(turn.state.outbox),
      greeting: state.phase === "chat" ? null : state.hello.motd,
    });
    keepRooms(turn, packet.rooms);
    turn.updateAll((old) => ({ ...old, loading: null, typing: {}, timeline: carriedOver(old, packet, otherLog) }));
    turn.setLink({ ready: true, synced: false, fresh: !resumed, why: null });
    turn.setLink({ syncRef: turn.ask({ type: "PING" }, { what: "sync" }) });
  }

  /** What stays of a timeline: nothing of another log; and a new session hasn't seen what was said since the last. */
  function carriedOver({ kind, timeline }, { id, resumed }, otherLog) {
    if (otherLog) return Timeline.unknown(id + 1);
    return kind === "direct" && !resumed ? Timeline.leaveOut(timeline, 0, id + 1) : timeline;
  }

  /** Rooms that another session left meanwhile go; one with unsent messages stays to show them. */
  function keepRooms(turn, rooms) {
    const kept = new Set(rooms.map(Conversations.roomKey));
    for (const conversation of Object.values(turn.state.conversations)) {
      if (conversation.kind !== "room" || kept.has(conversation.key)) continue;
      leave(turn, conversation.key);
    }
  }

  function leave(turn, key) {
    const unsent = turn.state.outbox.some(
      (entry) => entry.room !== undefined && Conversations.roomKey(entry.room) === key,
    );
    if (unsent) turn.update(key, (old) => ({ ...old, joined: false, count: 0, members: {} }));
    else turn.drop(key);
  }

  on.RETRY = (turn, packet) => {
    const asked = turn.answered(packet.ref);
    if (asked?.what === "rename")
      return turn.note(`${packet.message.replace(/\.$/u, "")}. You are still ${turn.state.nickname}.`, "error");
    // A bridge that resumed us by itself was refused, or our own NICK was: we are before READY (section 6).
    turn.set({ phase: "signin", refusal: { reason: packet.reason, message: packet.message } });
    turn.setLink({ ready: false, synced: false });
  };

  on.PONG = (turn, packet) => {
    const asked = turn.answered(packet.ref);
    if (!turn.state.link.ready) return;
    turn.set({ after: Math.max(turn.state.after, packet.id) });
    const inStep = asked?.what === "sync" && packet.ref === turn.state.link.syncRef;
    if (inStep || turn.state.link.silent) {
      turn.setLink({ state: "live", since: turn.at, synced: true, silent: false, fresh: false, retryAt: null });
      turn.flush();
    }
  };

  on.GAP = (turn, packet) => {
    const replaced = packet.after === 0;
    turn.updateAll((old) => ({
      ...old,
      timeline: replaced ? Timeline.unknown(packet.id) : Timeline.leaveOut(old.timeline, packet.after, packet.id),
    }));
    turn.set({ after: replaced ? packet.id - 1 : Math.max(turn.state.after, packet.id - 1) });
  };

  on.ROOM = (turn, packet) => {
    const asked = turn.answered(packet.ref);
    const key = Conversations.roomKey(packet.room);
    const known = turn.conversation(key);
    if (known === null && packet.users === undefined) return;
    const newest = packet.id ?? turn.state.after;
    const { link, after } = turn.state;
    // A resumed session's replay brings what is above `after`; otherwise what comes next is above the room's newest.
    const start = link.fresh || link.synced ? newest : Math.min(newest, after);
    const missed = known !== null && (!known.joined || link.fresh);
    let room = known ?? Conversations.create({ kind: "room", name: packet.room }, start + 1);
    if (missed) room = { ...room, timeline: Timeline.leaveOut(room.timeline, 0, newest + 1) };
    room = { ...room, joined: true, name: packet.room, topic: packet.topic ?? room.topic, count: packet.count };
    if (packet.users !== undefined) {
      room = Conversations.withMembers(room, packet.users, packet.count, packet.users.length < packet.count);
    }
    turn.put(room);
    if (asked?.what === "join" || turn.state.current === null) turn.look(key);
    if (turn.state.greeting) turn.note(turn.state.greeting, "server");
    if (turn.state.greeting !== null) turn.set({ greeting: null });
  };

  on.MSG = (turn, packet) => {
    const { state } = turn;
    const target = Conversations.target(packet, state.nickname);
    const key = Conversations.keyOf(target);
    const settles = Outbox.has(state.outbox, packet.ref);
    turn.set({ after: Math.max(state.after, packet.id) });
    turn.setOutbox(Outbox.settle(state.outbox, packet.ref));
    if (turn.conversation(key) === null) turn.put(Conversations.create(target, packet.id));
    const own = Names.same(packet.nickname, state.nickname);
    const seen = state.attentive && state.current === key;
    const mention = target.kind === "direct" || Names.mentions(packet.message, state.nickname);
    const entry = Timeline.message(packet, settles);
    turn.update(key, (old) => Conversations.received(old, entry, { seen, own, mention }));
  };

  on.JOIN = (turn, packet) => {
    const key = Conversations.roomKey(packet.room);
    const own = Names.same(packet.nickname, turn.state.nickname);
    const underWay = Object.values(turn.state.asked).some((asked) => asked.what === "join" && asked.key === key);
    // Another tab of ours went in: the answer to a JOIN of our own tells what this tab needs to know.
    if (own && turn.conversation(key)?.joined !== true && !underWay)
      turn.ask({ type: "JOIN", room: packet.room }, { what: "follow" });
    if (!own || turn.conversation(key)?.joined)
      turn.update(key, (old) => Conversations.joined(old, packet.nickname, when(turn, packet)));
  };

  on.LEAVE = (turn, packet) => {
    turn.answered(packet.ref);
    const key = Conversations.roomKey(packet.room);
    if (!Names.same(packet.nickname, turn.state.nickname)) {
      turn.update(key, (old) => Conversations.left(old, packet.nickname, when(turn, packet)));
    } else if (packet.reason === "left" || packet.reason === "quit") {
      leave(turn, key);
    } else {
      const said = packet.message === undefined ? "" : `: ${packet.message}`;
      turn.note(`${LEFT_BECAUSE[packet.reason] ?? `You left this room (${packet.reason})`}${said}`, "error", key);
      turn.update(key, (old) => ({ ...old, joined: false, count: 0, members: {} }));
    }
  };

  on.TOPIC = (turn, packet) => {
    turn.answered(packet.ref);
    const text =
      packet.topic === ""
        ? `${packet.nickname} cleared the topic`
        : `${packet.nickname} set the topic: ${packet.topic}`;
    const key = Conversations.roomKey(packet.room);
    turn.update(key, (old) => ({ ...old, topic: packet.topic }));
    turn.note(text, "info", key, when(turn, packet));
  };

  on.NICK = (turn, packet) => {
    turn.update(Conversations.roomKey(packet.room), (old) =>
      Conversations.renamed(old, packet.old, packet.nickname, when(turn, packet)),
    );
    followRename(turn, packet.old, packet.nickname);
  };

  /** A person we talk to directly goes by another name: the conversation goes with them. */
  function followRename(turn, old, nickname) {
    const direct = turn.conversation(Conversations.directKey(old));
    const key = Conversations.directKey(nickname);
    if (direct === null || (direct.key !== key && turn.conversation(key) !== null)) return;
    const { [direct.key]: _, ...others } = turn.state.conversations;
    const current = turn.state.current === direct.key ? key : turn.state.current;
    const outbox = turn.state.outbox.map((entry) =>
      entry.to !== undefined && Names.same(entry.to, old) ? { ...entry, to: nickname } : entry,
    );
    turn.set({ conversations: { ...others, [key]: { ...direct, key, name: nickname } }, current, outbox });
    turn.moveDraft(direct.key, key);
  }

  on.TYPING = (turn, packet) => {
    if (Names.same(packet.nickname, turn.state.nickname)) return;
    const key = Conversations.keyOf(Conversations.target(packet, turn.state.nickname));
    turn.update(key, (old) => Conversations.typing(old, packet.nickname, turn.at));
  };

  on.NOTICE = (turn, packet) => {
    turn.note(packet.message, "server");
    if (turn.state.link.state !== "live") turn.setLink({ why: packet.message });
    // A bridge speaks by NOTICE while its server is away; whether that is so, only a PING's answer can tell.
    turn.set({ serverNotice: { message: packet.message, at: turn.at } });
    turn.effect("probe");
  };

  on.BYE = (turn, packet) => {
    turn.setLink({
      ready: false,
      synced: false,
      why: packet.message || `The server ended the connection (${packet.reason}).`,
    });
    const signedIn = turn.state.phase === "chat";
    if (signedIn && !FINAL.has(packet.reason)) return;
    if (packet.reason === "shutdown") return;
    turn.setLink({ state: "offline", since: turn.at, stopped: true, retryAt: null });
    turn.effect("stop");
    // Who takes their time at the form has done nothing wrong: their next try opens another connection.
    const atTheForm = turn.state.phase === "signin" && packet.reason === "timeout";
    if (!signedIn && !atTheForm && packet.reason !== "quit") {
      turn.set({ phase: "signin", refusal: { reason: packet.reason, message: turn.state.link.why } });
    }
  };

  on.ERROR = (turn, packet) => {
    const { ref, code, message } = packet;
    if (ref !== undefined && Outbox.has(turn.state.outbox, ref)) {
      const change = PASSING.has(code) ? Outbox.postpone : Outbox.fail;
      const reason =
        code === "log_unavailable" ? "The server can't store messages at the moment; trying again." : message;
      return turn.setOutbox(change(turn.state.outbox, ref, reason, turn.at));
    }
    if (ref === Turn.IDLE_REF) return;
    const asked = turn.answered(ref);
    if (asked?.what === "introduction") return refusedIntroduction(turn, asked, message);
    if (!Requests.failed(turn, asked, message)) turn.note(message, "error");
  };

  /** A NICK that got ERROR: a room we remember may be at fault, so once without them; then it's for the person. */
  function refusedIntroduction(turn, asked, message) {
    if (asked.withRooms && joinedRooms(turn.state).length > 0) return introduce(turn, { withRooms: false });
    turn.set({ phase: "signin", refusal: { reason: "error", message } });
  }

  for (const type of ["HISTORY", "SEARCH", "ROOMS", "USERS"])
    on[type] = (turn, packet) => Requests.received(turn, packet);

  function packet(turn, received) {
    if (Object.hasOwn(on, received.type)) on[received.type](turn, received);
  }

  return { packet, introduce };
})();
