"use strict";

// What the packets about the session itself do to the state: a table, type -> handler(reduction, packet). Opening,
// resuming and resending (PROTOCOL.md sections 3 and 5) are HELLO, READY, PONG, GAP and RETRY; NOTICE, BYE and ERROR
// speak of what the server can't or won't do. chat_packets.js has the others.

const SessionPackets = (() => {
  // A bridge without a server says the same every 2 s (section 6): a NOTICE is new after this time without it.
  const NOTICE_MSEC = 15_000;

  const on = {};

  on.HELLO = (reduction, packet) => {
    if (!reduction.allows("hello")) return;
    if (packet.protocol !== 1) return unknownProtocol(reduction, packet.protocol);
    const limits = { ...reduction.state.hello.limits, ...usable(packet.limits) };
    const needsPassword = packet.server_password === true;
    reduction.set({ hello: { name: packet.server ?? "", motd: packet.motd ?? "", limits, needsPassword } });
    reduction.move("hello", { why: null });
    if (reduction.state.phase === "signin") return;
    if (needsPassword && reduction.state.serverPassword === "") {
      reduction.set({
        phase: "signin",
        refusal: { reason: "server_password", message: "This server asks for a password." },
      });
      return;
    }
    introduce(reduction);
  };

  const usable = (limits = {}) =>
    Object.fromEntries(Object.entries(limits).filter(([, most]) => Number.isSafeInteger(most) && most > 0));

  function unknownProtocol(reduction, version) {
    const message = `The server speaks version ${version} of the protocol; this page knows version 1.`;
    reduction.set({ phase: "signin", refusal: { reason: "protocol", message } });
    stop(reduction);
  }

  /** The page doesn't come back by itself. */
  function stop(reduction, changes = {}) {
    reduction.move("stop", { retryAt: null, ...changes });
    reduction.effect("stop");
  }

  /** Sends NICK: the first time, on coming back, and again after a RETRY. */
  function introduce(reduction, { withRooms = true } = {}) {
    const { nickname, token, epoch, after, serverPassword, password } = reduction.state;
    const rooms = joinedRooms(reduction.state);
    reduction.move("introduce");
    reduction.ask(
      {
        type: "NICK",
        nickname,
        client: "wordpacket-web",
        ...(withRooms && rooms.length > 0 ? { rooms } : {}),
        ...(serverPassword === "" ? {} : { server_password: serverPassword }),
        ...(password === "" ? {} : { password }),
        ...(token === null ? {} : { token, epoch: epoch ?? undefined, after }),
      },
      { what: "introduction", withRooms },
    );
  }

  const joinedRooms = ({ conversations }) =>
    Object.values(conversations)
      .filter((one) => one.kind === "room" && one.joined)
      .map((one) => one.name);

  on.READY = (reduction, packet) => {
    const { nickname, epoch, connection } = reduction.state;
    const asked = reduction.answered(packet.ref);
    // A rename, here or in another tab, brings a READY that opens nothing: same log, another nickname.
    const sameSession = ConnectionPhase.isReady(connection.phase) && !packet.resumed && packet.epoch === epoch;
    if (asked?.what === "rename" || (sameSession && packet.nickname !== nickname)) {
      reduction.set({ nickname: packet.nickname, token: packet.token });
    } else if (reduction.allows("ready")) open(reduction, packet);
  };

  /** The session is open, anew or resumed. Missed messages follow; the PONG to our PING says that all of them came. */
  function open(reduction, packet) {
    const { state } = reduction;
    const { nickname, token, epoch, resumed } = packet;
    const otherLog = state.epoch !== null && state.epoch !== epoch;
    if (state.token !== null && !resumed) {
      const reason = "You came back as a new user. It may have been sent before.";
      reduction.set({ outbox: Outbox.disown(state.outbox, reason), identity: null });
    }
    const identity = reduction.state.identity ?? `${nickname} since ${reduction.at}`;
    // READY's id comes before the replay: it is the cursor only when there is none (section 5).
    const after = !resumed ? packet.id : otherLog ? 0 : state.after;
    reduction.set({ phase: "chat", refusal: null, nickname, token, epoch, identity, after });
    Queue.clear(reduction);
    reduction.set({
      outbox: Outbox.unsend(reduction.state.outbox),
      greeting: state.phase === "chat" ? null : state.hello.motd,
    });
    keepRooms(reduction, packet.rooms);
    reduction.updateAll((old) => ({
      ...old,
      loading: null,
      typing: {},
      readUpTo: otherLog ? 0 : old.readUpTo,
      timeline: carriedOver(old, packet, otherLog),
    }));
    reduction.move("ready", { resumed, why: null, syncRef: reduction.ask({ type: "PING" }, { what: "sync" }) });
  }

  /** Returns the timeline after READY: empty in another log; in a new session, without the messages since the last. */
  function carriedOver({ kind, timeline }, { id, resumed }, otherLog) {
    if (otherLog) return Timeline.unknown(id + 1);
    return kind === "direct" && !resumed ? Timeline.leaveOut(timeline, 0, id + 1) : timeline;
  }

  /** Drops the rooms that another session left meanwhile. */
  function keepRooms(reduction, rooms) {
    const kept = new Set(rooms.map(Conversations.roomKey));
    for (const conversation of Object.values(reduction.state.conversations)) {
      if (conversation.kind !== "room" || kept.has(conversation.key)) continue;
      reduction.leave(conversation.key);
    }
  }

  on.RETRY = (reduction, packet) => {
    const asked = reduction.answered(packet.ref);
    if (asked?.what === "rename") {
      const said = packet.message.replace(/\.$/u, "");
      return reduction.note(`${said}. You are still ${Wording.isolated(reduction.state.nickname)}.`, "error");
    }
    if (!reduction.allows("refused")) return;
    // Our own NICK was refused, or a bridge's that resumed us by itself: the session is before READY (section 6).
    reduction.move("refused");
    const then = Codes.afterRetry(packet.reason);
    if (then === Codes.LATER) {
      reduction.setConnection({ why: packet.message });
      return reduction.effect("later");
    }
    if (then === Codes.STOP) stop(reduction);
    reduction.set({ phase: "signin", refusal: { reason: packet.reason, message: packet.message } });
  };

  on.PONG = (reduction, packet) => {
    const asked = reduction.answered(packet.ref);
    const { after, connection } = reduction.state;
    if (!ConnectionPhase.isReady(connection.phase)) return;
    reduction.set({ after: Math.max(after, packet.id) });
    const isAll = asked?.what === "sync" && packet.ref === connection.syncRef;
    const event = isAll ? "caughtUp" : "answered";
    if (!reduction.allows(event)) return;
    reduction.move(event, { why: null, retryAt: null });
    reduction.flush();
  };

  on.GAP = (reduction, packet) => {
    const replaced = packet.after === 0;
    reduction.updateAll((old) => ({
      ...old,
      readUpTo: replaced ? 0 : old.readUpTo,
      timeline: replaced ? Timeline.unknown(packet.id) : Timeline.leaveOut(old.timeline, packet.after, packet.id),
    }));
    reduction.set({ after: replaced ? packet.id - 1 : Math.max(reduction.state.after, packet.id - 1) });
  };

  /** Returns what the server said by its last NOTICE, or null if that was a while ago. */
  function recentNotice({ state: { serverNotice }, at }) {
    return serverNotice !== null && at - serverNotice.at < NOTICE_MSEC ? serverNotice.message : null;
  }

  on.NOTICE = (reduction, { message }) => {
    if (message !== recentNotice(reduction)) reduction.note(message, "server");
    if (!reduction.isLive) reduction.setConnection({ why: message });
    // A bridge speaks by NOTICE while its server is away; whether that is so, only a PING's answer can tell.
    reduction.set({ serverNotice: { message, at: reduction.at } });
    reduction.effect("probe", { isDoubtful: true });
  };

  on.BYE = (reduction, packet) => {
    const why = packet.message || `The server ended the connection (${packet.reason}).`;
    const signedIn = reduction.state.phase === "chat";
    const then = Codes.afterBye(packet.reason);
    if (then === Codes.LATER || (then === Codes.AGAIN && signedIn)) {
      if (reduction.allows("bye")) reduction.move("bye", { why });
      if (then === Codes.LATER) reduction.effect("later");
      return;
    }
    stop(reduction, { why });
    // Somebody who takes their time at the form has done nothing wrong: their next try opens another connection.
    const atTheForm = reduction.state.phase === "signin" && packet.reason === "timeout";
    const isAsked = then === Codes.ASK || (!signedIn && !atTheForm);
    if (isAsked && packet.reason !== "quit") {
      reduction.set({ phase: "signin", refusal: { reason: packet.reason, message: why } });
    }
  };

  on.ERROR = (reduction, packet) => {
    const { ref, code, message } = packet;
    const isMessage = ref !== undefined && Outbox.has(reduction.state.outbox, ref);
    if (packet.what === "queue" && (Queue.refused(reduction, packet) || !isMessage)) return;
    if (isMessage) {
      const change = Codes.isHeld(code) ? Outbox.postpone : Outbox.fail;
      const reason =
        code === "log_unavailable" ? "The server can't store messages at the moment; trying again." : message;
      const wait = Queue.retryMsec(packet);
      return reduction.setOutbox(change(reduction.state.outbox, ref, reason, reduction.at, wait));
    }
    if (ref === Reduction.IDLE_REF) return;
    const asked = reduction.answered(ref);
    if (asked?.what === "introduction") return refusedIntroduction(reduction, asked, message);
    if (!Questions.failed(reduction, asked, message)) reduction.note(message, "error");
  };

  /** A NICK got ERROR. A remembered room may be at fault, so once more without rooms; then the person is asked. */
  function refusedIntroduction(reduction, asked, message) {
    if (!reduction.allows("introduce")) return;
    if (asked.withRooms && joinedRooms(reduction.state).length > 0) return introduce(reduction, { withRooms: false });
    reduction.set({ phase: "signin", refusal: { reason: "error", message } });
    reduction.move("refused");
  }

  return { on, introduce, recentNotice };
})();
