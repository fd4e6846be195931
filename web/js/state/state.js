"use strict";

// The whole state of the page, and how each event changes it. Pure: no clock, no randomness, no DOM, no
// storage; times (`at`, in ms) and refs come in with the event, and what the world is to do comes out as
// effects (turn.js lists them).
//
// state.link: `state` is live, reconnecting or offline; `since` in ms; `ready` after READY; `synced` once the
// PING sent after READY is answered, which is when all missed messages are here and the outbox may be sent.

const State = (() => {
  const TYPING_EVERY_MSEC = 3_000;
  const LIMITS = { message: 8_000, nickname: 32, room: 64, topic: 300, rooms: 50 };

  function initial() {
    return {
      phase: "signin", // signin -> joining -> chat; back to signin on RETRY
      url: null,
      nickname: "",
      password: "",
      serverPassword: "",
      identity: null, // changes when the server takes us for a new user; says whose an outbox is
      token: null,
      epoch: null,
      after: 0,
      greeting: null,
      refusal: null,
      serverNotice: null,
      lastNote: null,
      hello: { name: "", motd: "", limits: LIMITS, needsPassword: false },
      link: {
        state: "offline",
        since: 0,
        retryAt: null,
        why: null,
        ready: false,
        synced: false,
        fresh: false,
        silent: false,
        open: false,
        greeted: false,
        stopped: true,
        syncRef: null,
      },
      online: true,
      attentive: true,
      conversations: {},
      current: null,
      drafts: {}, // key of a conversation, or Turn.NOWHERE -> what is typed there and not sent yet
      outbox: [],
      asked: {},
      serial: 1,
      panel: "members",
      search: { wanted: null, ref: null, state: "idle", messages: [], more: false, fault: null },
      directory: { rooms: [], more: false, asking: false },
      takeout: null,
      typedAt: 0,
    };
  }

  const on = {};

  /** What was kept of the last visit (local_store.js) is there: come back as the same user. */
  on.restored = (turn, { account, drafts = {} }) => {
    const { url, nickname, identity, token, epoch, after, rooms, directs, unread, current } = account;
    turn.set({ url, nickname, identity, token, epoch, after, drafts });
    const targets = [
      ...rooms.map((name) => ({ kind: "room", name })),
      ...directs.map((name) => ({ kind: "direct", name })),
    ];
    for (const target of targets) {
      const conversation = Conversations.create(target, after + 1);
      turn.put({ ...conversation, ...unread[conversation.key] });
    }
    const first = Conversations.ordered(turn.state.conversations)[0]?.key ?? null;
    if (first !== null) turn.look(turn.conversation(current) === null ? first : current);
    if (account.signedOut) return;
    turn.set({ phase: "joining" });
    connect(turn);
  };

  on.signin = (turn, { url, nickname, password, serverPassword }) => {
    const { state } = turn;
    const sameServer = state.url === url;
    const anotherUser = state.token !== null && state.link.stopped && !Names.same(state.nickname, nickname);
    if (anotherUser || (state.url !== null && !sameServer)) {
      startAnew(turn);
      turn.effect("replace");
    }
    turn.set({ nickname, password, serverPassword, url, phase: "joining", refusal: null });
    if (sameServer && !state.link.stopped && state.link.greeted) return Received.introduce(turn);
    connect(turn);
  };

  /** Nothing of the person stays. `serial` goes on: whoever remembers a number of theirs must not meet it again. */
  function startAnew(turn) {
    const { url, attentive, online, serial } = turn.state;
    turn.state = { ...initial(), url, attentive, online, serial };
  }

  function connect(turn) {
    turn.setLink({
      state: "reconnecting",
      since: turn.at,
      stopped: false,
      ready: false,
      synced: false,
      why: null,
      open: false,
      greeted: false,
    });
    turn.effect("connect", { url: turn.state.url });
  }

  on.again = (turn) => connect(turn);

  /** The socket is open; a bridge whose server is away has no HELLO for us yet. */
  on.opened = (turn) => turn.setLink({ open: true, silent: false, why: "Waiting for the chat server …" });

  /** The socket is gone; `retryAt` says when the next is tried (null: never). */
  on.closed = (turn, { retryAt, code }) => {
    const { link } = turn.state;
    const since = link.state === "live" ? turn.at : link.since;
    turn.setLink({
      open: false,
      greeted: false,
      ready: false,
      synced: false,
      silent: false,
      since,
      retryAt,
      code,
      state: retryAt === null ? "offline" : "reconnecting",
    });
    turn.set({
      asked: {},
      outbox: Outbox.unsend(turn.state.outbox),
      directory: { ...turn.state.directory, asking: false },
    });
    turn.updateAll((old) => (old.loading === null ? old : { ...old, loading: null }));
    if (turn.state.search.state === "asking") {
      turn.set({ search: { ...turn.state.search, state: "failed", fault: "The link went down meanwhile." } });
    }
    Takeout.failed(turn, "the link went down");
  };

  /** A PING stays without an answer: the socket may stand, but the server isn't there. */
  on.silent = (turn, { since }) => {
    if (turn.state.link.state !== "live") return;
    turn.setLink({
      state: "reconnecting",
      since,
      synced: false,
      silent: true,
      why: turn.state.serverNotice?.message ?? null,
    });
  };

  on.packet = (turn, { packet }) => Received.packet(turn, packet);
  on.network = (turn, { online }) => turn.set({ online });

  on.attention = (turn, { attentive }) => {
    turn.set({ attentive });
    if (attentive && turn.state.current !== null) turn.update(turn.state.current, Conversations.seen);
  };

  on.look = (turn, { key }) => {
    if (turn.conversation(key) !== null) turn.look(key);
  };

  /** Opens the direct messages with somebody. */
  on.direct = (turn, { nickname }) => {
    const key = Conversations.directKey(nickname);
    if (turn.conversation(key) === null) {
      turn.put(Conversations.create({ kind: "direct", name: nickname }, turn.state.after + 1));
    }
    turn.look(key);
  };

  on.leaveConversation = (turn, { key }) => {
    const conversation = turn.conversation(key);
    if (conversation === null) return;
    if (conversation.kind === "room" && conversation.joined)
      return request(turn, { type: "LEAVE", room: conversation.name }, { what: "leave" });
    turn.drop(key);
  };

  /** A message is typed, to a conversation that there is: it is shown at once, and sent as soon as it can be. */
  on.say = (turn, { text, ref, action = false, key = turn.state.current }) => {
    const target = Conversations.address(turn.conversation(key));
    const message = { ref, target, message: text, action, at: turn.at };
    turn.set({ outbox: Outbox.add(turn.state.outbox, message), typedAt: 0 });
    turn.update(key, (old) => (old.divider === null ? old : { ...old, divider: null }));
    turn.flush();
  };

  on.retry = (turn, { ref }) => {
    turn.setOutbox(Outbox.retry(turn.state.outbox, ref));
  };

  on.discard = (turn, { ref }) => turn.setOutbox(Outbox.discard(turn.state.outbox, ref));

  /** Messages that a tab now gone left unsent. `identity`: whose they were. */
  on.adopted = (turn, { entries, identity }) => {
    const ours = identity === turn.state.identity;
    const reason = "Typed under another sign-in. It may have been sent before.";
    turn.set({ outbox: Outbox.adopt(turn.state.outbox, ours ? entries : Outbox.disownAll(entries, reason)) });
    for (const { room, to } of entries) {
      const target = room === undefined ? { kind: "direct", name: to } : { kind: "room", name: room };
      const conversation = Conversations.create(target, turn.state.after + 1);
      if (turn.conversation(conversation.key) === null)
        turn.put({ ...conversation, joined: target.kind === "direct" });
    }
    turn.flush();
  };

  /** Another tab got a new token for the same user. */
  on.account = (turn, { account }) => {
    if (account.url !== turn.state.url || account.epoch !== turn.state.epoch) return;
    turn.set({ token: account.token, identity: account.identity });
  };

  on.draft = (turn, { key, text }) => {
    const { [key]: _, ...others } = turn.state.drafts;
    turn.set({ drafts: text === "" ? others : { ...others, [key]: text } });
  };

  on.typing = (turn) => {
    const conversation = turn.conversation(turn.state.current);
    if (conversation === null || !turn.state.link.synced || turn.at - turn.state.typedAt < TYPING_EVERY_MSEC) return;
    turn.set({ typedAt: turn.at });
    turn.send({ type: "TYPING", ...Conversations.address(conversation), ref: Turn.IDLE_REF });
  };

  /** Anything but a message: it needs the server now, or the person hears that it was not done. */
  on.request = (turn, { packet, purpose = {} }) => request(turn, packet, purpose);

  function request(turn, packet, purpose) {
    if (!turn.state.link.synced) return turn.note(`The link is down: ${packet.type} was not sent`, "error");
    turn.ask(packet, purpose);
  }

  on.note = (turn, { text, tone }) => turn.note(text, tone);
  on.fill = (turn, { key, gap, side }) => Requests.askFill(turn, key, gap, side);
  on.openContext = (turn, { message }) => Requests.openContext(turn, message);
  on.export = (turn) => Takeout.start(turn);

  on.search = (turn, { search }) => {
    turn.set({ panel: "search" });
    Requests.askSearch(turn, search);
  };

  on.searchMore = (turn) => Requests.askSearch(turn, turn.state.search.wanted, turn.state.search.messages.at(-1).id);

  on.panel = (turn, { panel }) => {
    turn.set({ panel });
    if (panel === "browse") Requests.askDirectory(turn);
    if (panel === "members" && turn.state.current !== null && turn.conversation(turn.state.current).membersMore) {
      Requests.askMembers(turn, turn.state.current);
    }
  };

  on.directoryMore = (turn) => Requests.askDirectory(turn, turn.state.directory.rooms.at(-1).room);
  on.membersMore = (turn, { key }) => Requests.askMembers(turn, key, turn.conversation(key).membersLast);

  on.tick = (turn) => {
    turn.updateAll((old) => Conversations.expireTyping(old, turn.at));
    turn.flush();
  };

  /** /quit: the server is told, the page stays signed out, and what is kept on this device stays. */
  on.quit = (turn, { message }) => {
    if (turn.state.link.ready) turn.send({ type: "BYE", message });
    turn.setLink({ state: "offline", since: turn.at, stopped: true, ready: false, synced: false, retryAt: null });
    turn.set({
      phase: "signin",
      refusal: null,
      password: "",
      serverPassword: "",
      asked: {},
      outbox: Outbox.unsend(turn.state.outbox),
    });
    turn.effect("stop");
  };

  /** "Forget me", said in this tab or (`elsewhere`) in another. */
  on.forget = (turn, { elsewhere = false }) => {
    on.quit(turn, {});
    startAnew(turn);
    turn.effect("forget", { elsewhere });
  };

  /** Returns {state, effects}. An event of a kind that isn't known is a bug. */
  function reduce(state, event) {
    if (!Object.hasOwn(on, event.type)) throw new Error(`no handler for the event ${event.type}`);
    const turn = new Turn(state, event.at);
    on[event.type](turn, event);
    return { state: turn.state, effects: turn.effects };
  }

  /** live, reconnecting or offline, as it is shown. */
  function linkState({ link, online }) {
    return link.state === "reconnecting" && !online && !link.open ? "offline" : link.state;
  }

  const unsent = (state) => state.outbox.filter((entry) => entry.state === "pending").length;

  /** When (in ms) the state wants a tick because time alone changes it, or null. */
  function nextTick(state) {
    const typing = Object.values(state.conversations).flatMap((one) =>
      Object.values(one.typing).map(({ until }) => until),
    );
    const due = Outbox.nextDue(state.outbox);
    const times = state.link.synced && due !== null ? [...typing, due] : typing;
    return times.length === 0 ? null : Math.min(...times);
  }

  /** What a reload needs to come back as the same user (local_store.js keeps it). */
  function account(state) {
    const all = Conversations.ordered(state.conversations);
    const inRoom = all.filter((one) => one.kind === "room" && one.joined).map((one) => one.name);
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
      rooms: inRoom,
      directs: all.filter((one) => one.kind === "direct").map((one) => one.name),
      unread: Object.fromEntries(counts),
      current: state.current,
      signedOut: state.link.stopped && state.phase === "signin",
    };
  }

  return { initial, reduce, linkState, unsent, nextTick, account };
})();
