"use strict";

// Puts the parts together. The one place where the state is replaced, and the only script that touches the document,
// the network or the storage when it is loaded: event -> State.reduce -> state kept, effects carried out, page drawn.

const main = (() => {
  const SAVE_EVERY_MSEC = 1_000;
  const fromDisk = location.protocol === "file:";
  // A bridge may stand under a path of somebody else's (a proxy's /chat/): its socket is beside its page.
  const secure = location.protocol === "https:" ? "wss" : "ws";
  const folder = location.pathname.replace(/[^/]*$/u, "");
  const page = { fromDisk, url: fromDisk ? "ws://127.0.0.1:8765/" : `${secure}://${location.host}${folder}ws` };

  let state = { ...initialState(), tag: `${randomRef().slice(0, 16)}-` };
  let drawing = false;
  let watching = null;
  let alarm = { at: null, timer: null }; // for the time at which the state wants a `wake`
  let saving = null;
  let warned = false; // that this browser keeps nothing

  const store = new LocalStore({
    local: storage("localStorage"),
    session: storage("sessionStorage"),
    locks: new OwnerLocks({
      webLocks: navigator.locks,
      channel: typeof BroadcastChannel === "function" ? new BroadcastChannel("wordpacket") : null,
    }),
    tab: randomRef(),
  });
  const connection = new Connection({
    emit: dispatch,
    open: (url) => new WebSocket(url),
    clock: {
      now: Date.now,
      setTimeout: (work, msec) => setTimeout(work, msec),
      clearTimeout: (timer) => clearTimeout(timer),
    },
    random: Math.random,
  });
  const view = new View({
    find: (id) => document.getElementById(id),
    state: () => state,
    emit: entered,
    enter,
    now: Date.now,
    page,
  });

  /** Returns a storage. Where all storage is blocked, the page forgets everything when it is closed. */
  function storage(name) {
    try {
      return window[name];
    } catch {
      const setItem = () => {
        throw new DOMException("storage is blocked", "SecurityError");
      };
      return { length: 0, key: () => null, getItem: () => null, setItem, removeItem() {} };
    }
  }

  /** Takes an event into the state. The time is given here, so that the state's own code needs no clock. */
  function dispatch(event) {
    const before = state;
    const { state: next, effects } = State.reduce(state, { at: Date.now(), ...event });
    state = next;
    // A message is on the disk of this device before it is on its way: a crash in between can't lose it.
    if (!effects.some((effect) => effect.do === "replace" || effect.do === "forget")) keep(before);
    for (const effect of effects) carryOut[effect.do](effect);
    watchOrphans();
    setAlarm();
    if (state.token !== before.token || state.current !== before.current) save();
    else scheduleSave();
    draw();
  }

  function keep(before) {
    if (state.outbox === before.outbox && state.identity === before.identity) return;
    const kept = store.saveOutbox(state, state.outbox);
    if (kept || state.outbox.length === 0 || warned) return;
    warned = true;
    dispatch({
      type: "note",
      text: "This browser stores nothing: unsent messages are lost when this page is closed",
      tone: "error",
    });
  }

  const carryOut = {
    send: ({ packet }) => connection.send(packet),
    connect: ({ url }) => connection.start(url),
    stop: () => connection.stop(),
    later: () => connection.later(),
    probe: ({ isDoubtful }) => connection.probe(isDoubtful ? Connection.DOUBTFUL_MSEC : Connection.ANSWER_MSEC),
    replace() {
      store.replaceOutbox(randomRef());
      watching = null;
      view.forget();
    },
    download: ({ name, lines }) => download(name, lines),
    forget({ elsewhere, person }) {
      if (elsewhere) store.forgetTab();
      else store.forget(person);
      watching = null;
      store.replaceOutbox(randomRef());
      view.forget();
    },
  };

  /** A sign-in finds what this device keeps of that person. */
  function entered(event) {
    if (event.type !== "signin") return dispatch(event);
    const account = store.accountOf(event);
    dispatch({ ...event, account, drafts: account === null ? {} : store.drafts(account.identity) });
  }

  /**
   * Does what a person entered, a command or a message, and calls `done` after each event of it. Returns null, or a
   * sentence that says why it can't be done.
   */
  function enter(text, done) {
    let events;
    try {
      events = Commands.events(text, state, Date.now());
    } catch (fault) {
      if (fault instanceof Commands.CommandError) return fault.message;
      throw fault;
    }
    for (const event of events) {
      dispatch(event.type === "say" ? { ...event, ref: randomRef() } : event);
      done(event);
    }
    return null;
  }

  function download(name, lines) {
    const url = URL.createObjectURL(
      new Blob(
        lines.map((line) => `${line}\n`),
        { type: "application/x-ndjson" },
      ),
    );
    const anchor = Dom.el("a", { href: url, download: name });
    anchor.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  }

  /** Takes over the unsent messages that tabs of this person, now gone, left for this server. */
  function watchOrphans() {
    if (state.identity === null || watching === state.identity) return;
    watching = state.identity;
    const isOurs = ({ url, nickname, identity }) =>
      url === state.url && (identity === state.identity || Names.same(nickname, state.nickname));
    store.watchOrphans(isOurs, ({ entries, identity }) => dispatch({ type: "adopted", entries, identity }));
  }

  function setAlarm() {
    const at = State.wakeAt(state);
    if (at === alarm.at) return;
    clearTimeout(alarm.timer);
    alarm = { at, timer: at === null ? null : setTimeout(wake, Math.max(0, at - Date.now()) + 1) };
  }

  function wake() {
    alarm = { at: null, timer: null };
    dispatch({ type: "wake" });
  }

  /**
   * The account is kept at once. The cursor moves with each message and a draft with each key: both are kept about
   * once a second, and when the page goes.
   */
  function scheduleSave() {
    saving ??= setTimeout(save, SAVE_EVERY_MSEC);
  }

  function save() {
    clearTimeout(saving);
    saving = null;
    if (state.token !== null) store.saveAccount(Visit.account(state));
    store.saveDrafts(state.identity, state.drafts);
  }

  /** Draws once a frame. A hidden page gets no frames, but its title has to tell what is unread. */
  function draw() {
    if (drawing) return;
    drawing = true;
    const work = () => {
      drawing = false;
      view.render();
    };
    if (document.hidden) setTimeout(work, 0);
    else requestAnimationFrame(work);
  }

  function attend() {
    const attentive = !document.hidden && document.hasFocus();
    if (attentive !== state.attentive) dispatch({ type: "attention", attentive });
  }

  function listen() {
    addEventListener("online", () => {
      dispatch({ type: "network", online: true });
      connection.check();
    });
    addEventListener("offline", () => {
      dispatch({ type: "network", online: false });
      connection.probe();
    });
    document.addEventListener("visibilitychange", () => {
      attend();
      if (!document.hidden) connection.check();
    });
    addEventListener("focus", () => {
      attend();
      connection.check();
    });
    addEventListener("blur", attend);
    addEventListener("pagehide", save);
    addEventListener("storage", ({ key, newValue }) => {
      if (key !== null && state.identity !== null && LocalStore.isAccountKey(key)) accountChanged(key, newValue);
    });
  }

  /** Another tab stored or removed an account (its key). After a rename it stands under another key. */
  function accountChanged(key, value) {
    if (value !== null) {
      const account = store.read(key);
      if (account !== null) dispatch({ type: "account", account });
    } else if (key === LocalStore.accountKey(state) && !store.knows(state.identity)) {
      dispatch({ type: "forget", elsewhere: true });
    }
  }

  function start() {
    listen();
    attend();
    // A page from a bridge talks to that bridge, whatever another page on this origin was used for.
    const account = store.account(fromDisk ? null : page.url);
    if (account !== null)
      dispatch({ type: "restored", account, drafts: store.drafts(account.identity) });
    else view.render();
  }

  start();
  return { dispatch, state: () => state };
})();
