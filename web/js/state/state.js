"use strict";

// How each event changes the state of the page. Pure: no clock, no randomness, no DOM, no storage; times (`at`, in ms)
// and refs come in with the event, and what the world is to do comes out as effects (reduction.js lists them).
// The connection's events and the person's coming and going are in visit.js.

const State = (() => {
  const TYPING_EVERY_MSEC = 3_000;
  const ECHO_MSEC = 2_000; // a message without an echo for this time makes the page ask whether the server is there
  const on = { ...Visit.on };

  /** A packet of a type that isn't known means nothing to us. */
  on.packet = (reduction, { packet }) => {
    const table = [SessionPackets.on, ChatPackets.on].find((one) => Object.hasOwn(one, packet.type));
    table?.[packet.type](reduction, packet);
  };

  on.network = (reduction, { online }) => reduction.set({ online });

  on.attention = (reduction, { attentive }) => {
    reduction.set({ attentive });
    if (attentive && reduction.state.current !== null) reduction.update(reduction.state.current, Conversations.seen);
  };

  on.look = (reduction, { key }) => {
    if (reduction.conversation(key) !== null) reduction.look(key);
  };

  /** Opens the direct messages with somebody. */
  on.direct = (reduction, { nickname }) => {
    const key = Conversations.directKey(nickname);
    if (reduction.conversation(key) === null) {
      reduction.put(Conversations.create({ kind: "direct", name: nickname }, reduction.state.after + 1));
    }
    reduction.look(key);
  };

  on.leaveConversation = (reduction, { key }) => {
    const conversation = reduction.conversation(key);
    if (conversation === null) return;
    if (conversation.kind === "room" && conversation.joined)
      return request(reduction, { type: "LEAVE", room: conversation.name }, { what: "leave" });
    if (reduction.isUnsent(key))
      return reduction.note("Messages here are not sent: wait for them or discard them, then close this", "error", key);
    reduction.drop(key);
  };

  /** The person says something in a conversation: it is shown at once, and sent as soon as it can be. */
  on.say = (reduction, { text, ref, action = false, key = reduction.state.current }) => {
    const target = Conversations.address(reduction.conversation(key));
    const message = { ref, target, message: text, action, at: reduction.at };
    reduction.set({ outbox: Outbox.add(reduction.state.outbox, message), typedAt: 0 });
    reduction.update(key, (old) => (old.divider === null ? old : { ...old, divider: null }));
    reduction.flush();
  };

  on.retry = (reduction, { ref }) => reduction.setOutbox(Outbox.retry(reduction.state.outbox, ref));
  on.discard = (reduction, { ref }) => reduction.setOutbox(Outbox.discard(reduction.state.outbox, ref));

  /** Takes over the unsent messages of a tab that is gone. `identity`: whose they were. */
  on.adopted = (reduction, { entries, identity }) => {
    const ours = identity === reduction.state.identity;
    const reason = "Typed under another sign-in. It may have been sent before.";
    reduction.set({ outbox: Outbox.adopt(reduction.state.outbox, ours ? entries : Outbox.disownAll(entries, reason)) });
    for (const target of entries.map(Outbox.target)) {
      const conversation = Conversations.create(target, reduction.state.after + 1);
      if (reduction.conversation(conversation.key) === null)
        reduction.put({ ...conversation, joined: target.kind === "direct" });
    }
    reduction.flush();
  };

  /** Another tab stored an account: the same person's brings a newer token, and tells what was read there. */
  on.account = (reduction, { account }) => {
    const { url, epoch, identity, nickname, connection } = reduction.state;
    if (account.url !== url || account.epoch !== epoch) return;
    if (account.identity !== identity && !Names.same(account.nickname, nickname)) return;
    reduction.set({ token: account.token, identity: account.identity });
    // A session that stands hears of a rename by its own READY, and the other tab may not have heard yet.
    if (!ConnectionPhase.isReady(connection.phase)) reduction.set({ nickname: account.nickname });
    if (account.identity !== identity) return; // the same nickname, signed in anew: it has no past to tell of
    reduction.updateAll((old) =>
      Object.hasOwn(account.unread, old.key) ? old : Conversations.readUpTo(old, account.after),
    );
  };

  on.draft = (reduction, { key, text }) => {
    const { [key]: _, ...others } = reduction.state.drafts;
    reduction.set({ drafts: text === "" ? others : { ...others, [key]: text } });
  };

  on.typing = (reduction) => {
    const conversation = reduction.conversation(reduction.state.current);
    if (conversation === null || !reduction.isLive) return;
    if (reduction.at - reduction.state.typedAt < TYPING_EVERY_MSEC) return;
    reduction.set({ typedAt: reduction.at });
    reduction.send({ type: "TYPING", ...Conversations.address(conversation), ref: Reduction.IDLE_REF });
  };

  /** Sends anything but a message. It needs the server now; otherwise the person hears that it was not sent. */
  on.request = (reduction, { packet, purpose = {} }) => request(reduction, packet, purpose);

  function request(reduction, packet, purpose) {
    if (!reduction.isLive) return reduction.note(`There is no connection: ${packet.type} was not sent`, "error");
    reduction.ask(packet, purpose);
  }

  on.note = (reduction, { text, tone }) => reduction.note(text, tone);
  on.fill = (reduction, { key, gap, side }) => Questions.askFill(reduction, key, gap, side);
  on.openContext = (reduction, { message }) => Questions.openContext(reduction, message);
  on.export = (reduction, { name }) => Export.start(reduction, name);

  on.search = (reduction, { search }) => {
    reduction.set({ panel: "search" });
    Questions.askSearch(reduction, search);
  };

  on.searchMore = (reduction) => {
    const { wanted, next } = reduction.state.search;
    if (next !== null) Questions.askSearch(reduction, wanted, next);
  };

  on.panel = (reduction, { panel }) => {
    reduction.set({ panel });
    if (panel === "browse") Questions.askDirectory(reduction);
    const { current } = reduction.state;
    if (panel === "members" && reduction.conversation(current)?.membersMore) Questions.askMembers(reduction, current);
  };

  on.directoryMore = (reduction) => Questions.askDirectory(reduction, reduction.state.directory.rooms.at(-1)?.room);
  on.membersMore = (reduction, { key }) => {
    Questions.askMembers(reduction, key, reduction.conversation(key).membersLast ?? undefined);
  };

  /** The time that `wakeAt` named has come. */
  on.wake = (reduction) => {
    reduction.updateAll((old) => Conversations.expireTyping(old, reduction.at));
    const probeAt = echoProbeAt(reduction.state);
    if (probeAt !== null && probeAt <= reduction.at) {
      reduction.setConnection({ probedAt: reduction.at });
      reduction.effect("probe", { isDoubtful: false });
    }
    Queue.flush(reduction);
    reduction.flush();
  };

  /** Returns when (in ms) the page shall ask whether the server is there, since a message has no echo, or null. */
  function echoProbeAt(state) {
    const since = isLive(state) ? Outbox.unechoedSince(state.outbox) : null;
    return since === null ? null : Math.max(since, state.connection.probedAt) + ECHO_MSEC;
  }

  /** Returns {state, effects}. An unknown event is a bug. */
  function reduce(state, event) {
    if (!Object.hasOwn(on, event.type)) throw new Error(`no handler for the event ${event.type}`);
    const reduction = new Reduction(state, event.at);
    on[event.type](reduction, event);
    return { state: reduction.state, effects: reduction.effects };
  }

  /** Returns how the connection is shown: live, reconnecting or offline. */
  function connectionShown({ connection: { phase }, online }) {
    return phase === "away" && !online ? "offline" : ConnectionPhase.shown(phase);
  }

  const isLive = ({ connection }) => connection.phase === "live";

  const unsent = (state) => state.outbox.filter((entry) => entry.state === "pending").length;

  /** Returns the number of messages of a conversation that were refused for good. */
  function failed({ outbox }, key) {
    const isHere = (entry) => Conversations.keyOf(Outbox.target(entry)) === key;
    return outbox.filter((entry) => entry.state === "failed" && isHere(entry)).length;
  }

  /** Returns when (in ms) time alone will change the state, so that it wants a `wake`, or null. */
  function wakeAt(state) {
    const typing = Object.values(state.conversations).flatMap((one) =>
      Object.values(one.typing).map(({ until }) => until),
    );
    const due = isLive(state) ? Outbox.nextDue(state.outbox) : null;
    const times = [...typing, due, echoProbeAt(state), Queue.dueAt(state)].filter((time) => time !== null);
    return times.length === 0 ? null : Math.min(...times);
  }

  return { reduce, connectionShown, isLive, unsent, failed, wakeAt };
})();
