"use strict";

// A person's visit: it begins by a sign-in or with what was kept of the last visit, its connection comes and goes, and
// it ends by /quit or "Forget me". `on` has the handlers of these events; state.js has the others.

const Visit = (() => {
  /** Comes back as the same user, with what was kept of the last visit (local_store.js). */
  function restored(reduction, { account, drafts = {} }) {
    recall(reduction, account, drafts);
    if (account.signedOut) return;
    reduction.set({ phase: "joining" });
    again(reduction);
  }

  function recall(reduction, account, drafts) {
    const { url, nickname, identity, token, epoch, after, rooms, directs, unread, current } = account;
    reduction.set({ url, nickname, identity, token, epoch, after, drafts });
    const targets = [
      ...rooms.map((name) => ({ kind: "room", name })),
      ...directs.map((name) => ({ kind: "direct", name })),
    ];
    for (const target of targets) {
      const conversation = Conversations.create(target, after + 1);
      reduction.put({ ...conversation, ...unread[conversation.key] });
    }
    const first = Conversations.ordered(reduction.state.conversations)[0]?.key ?? null;
    if (first !== null) reduction.look(reduction.conversation(current) === null ? first : current);
  }

  /** `account`: what this device keeps of that person, or null; `drafts`: theirs in this tab. */
  function signin(reduction, { url, nickname, password, serverPassword, account = null, drafts = {} }) {
    const { state } = reduction;
    const isSameServer = state.url === url;
    const isSignedOut = state.token !== null && state.connection.phase === "stopped";
    const isAnotherUser = isSignedOut && !Names.same(state.nickname, nickname);
    if (isAnotherUser || (state.url !== null && !isSameServer)) {
      startAnew(reduction);
      reduction.effect("replace");
    }
    if (account !== null && reduction.state.identity === null) recall(reduction, account, drafts);
    reduction.set({ nickname, password, serverPassword, url, phase: "joining", refusal: null });
    if (isSameServer && reduction.allows("introduce")) SessionPackets.introduce(reduction);
    else again(reduction);
  }

  /** Nothing of the person stays. `serial` goes on: the view remembers numbers, and must not meet one again. */
  function startAnew(reduction) {
    const { url, attentive, online, serial, tag } = reduction.state;
    reduction.state = { ...initialState(), url, attentive, online, serial, tag };
  }

  /** Connects now, whatever the connection did so far. */
  function again(reduction) {
    reduction.move("connect", { since: reduction.at, why: null });
    reduction.effect("connect", { url: reduction.state.url });
  }

  /** The socket is open; a bridge whose server is away has no HELLO for us yet. */
  const opened = (reduction) => reduction.move("opened", { why: "Waiting for the chat server …" });

  /** The socket is gone; at `retryAt` the next is tried. */
  function closed(reduction, { retryAt }) {
    reduction.move("closed", { retryAt });
    const { outbox, directory, search } = reduction.state;
    Queue.clear(reduction);
    reduction.set({ outbox: Outbox.unsend(outbox), directory: { ...directory, asking: false } });
    reduction.updateAll((old) => (old.loading === null ? old : { ...old, loading: null }));
    if (search.state === "asking") {
      reduction.set({ search: { ...search, state: "failed", fault: "The connection was lost meanwhile." } });
    }
    Export.failed(reduction, "the connection was lost");
  }

  /** A PING has no answer since `since`: the socket may stand, but the server isn't there. */
  function silent(reduction, { since }) {
    if (!reduction.allows("silence")) return;
    const why = SessionPackets.recentNotice(reduction);
    reduction.move("silence", { since, silentSince: since, why });
  }

  /** /quit: the server is told, the page stays signed out, and what is kept on this device stays. */
  function quit(reduction, { message }) {
    if (ConnectionPhase.isReady(reduction.state.connection.phase)) reduction.send({ type: "BYE", message });
    reduction.move("stop", { since: reduction.at, retryAt: null });
    reduction.set({
      phase: "signin",
      refusal: null,
      password: "",
      serverPassword: "",
      outbox: Outbox.unsend(reduction.state.outbox),
    });
    Queue.clear(reduction);
    reduction.effect("stop");
  }

  /** "Forget me", said in this tab or (`elsewhere`) in another tab of the same person. */
  function forget(reduction, { elsewhere = false }) {
    const { url, nickname, identity } = reduction.state;
    quit(reduction, {});
    startAnew(reduction);
    reduction.effect("forget", { elsewhere, person: { url, nickname, identity } });
  }

  /** Returns what a reload needs to come back as the same user (local_store.js keeps it). */
  function account(state) {
    const all = Conversations.ordered(state.conversations);
    const rooms = all.filter((one) => one.kind === "room" && one.joined).map((one) => one.name);
    const counts = all
      .filter((one) => one.unread > 0)
      .map(({ key, unread, mentions, divider }) => [key, { unread, mentions, divider }]);
    return {
      url: state.url,
      nickname: state.nickname,
      identity: state.identity,
      token: state.token,
      epoch: state.epoch,
      after: state.after,
      rooms,
      directs: all.filter((one) => one.kind === "direct").map((one) => one.name),
      unread: Object.fromEntries(counts),
      current: state.current,
      signedOut: state.connection.phase === "stopped" && state.phase === "signin",
    };
  }

  return { on: { restored, signin, again, opened, closed, silent, quit, forget }, account };
})();
