"use strict";

// The page as a whole: sign-in or chat, the head of a conversation, the state of the connection, title, drawers and
// keys. render() brings the document in line with the state; each part looks whether its share of the state changed.

class View {
  // A page narrower than this has its sides in drawers; the style sheet has the same number.
  static PHONE = "(max-width: 1000px)";
  // A cut that heals within this needs no banner.
  static BRIEF_MSEC = 400;
  // A server that takes this long to answer is said to be silent.
  static SILENT_MSEC = 5_000;

  /**
   * `find(id)` gives elements; `state()` the state; `emit(event)` and `enter(text, done)` go to main.js;
   * `now` gives ms. `page`: {fromDisk, url}.
   */
  constructor({ find, state, emit, enter, now, page }) {
    this.find = find;
    this.state = state;
    this.now = now;
    this.drawer = null; // "sidebar", "panel" or null
    this.note = null; // the last note that was dealt with
    this.topicOf = null; // key of the room whose topic is edited
    this.narrow = matchMedia(View.PHONE);
    this.emit = (event) => {
      emit(event);
      this.#follow(event);
    };
    this.act = (text, options = {}) => this.#act(enter, text, options);
    const parts = { find, emit: this.emit, act: this.act, page, now, state };
    this.signin = new SigninView(parts);
    this.sidebar = new SidebarView(parts);
    this.panel = new PanelView(parts);
    this.timeline = new TimelineView({
      root: find("messages"),
      newest: find("newest"),
      newestText: find("newest-text"),
      emit,
      now,
    });
    this.composer = new Composer({
      find,
      state,
      emit,
      page: (step) => this.timeline.page(step),
      enter: (text) => enter(text, (event) => this.#follow(event)),
    });
    this.#listen();
  }

  render() {
    const state = this.state();
    const chatting = state.phase === "chat" || (state.phase === "joining" && state.identity !== null);
    const turned = this.find("chat").hidden === chatting || this.find("welcome").hidden !== chatting;
    this.find("welcome").hidden = chatting;
    this.find("chat").hidden = !chatting;
    if (chatting) this.#chat(state);
    else if (turned) this.signin.open(state);
    else this.signin.render(state);
    this.#title(state, chatting);
    if (turned && chatting && !this.narrow.matches) this.composer.focus();
  }

  /** Somebody else may use this browser next: no typed text stays, sent or not. */
  forget() {
    for (const field of this.find("chat").querySelectorAll("input, textarea")) field.value = "";
    this.composer.forget();
    this.timeline.forget();
    this.signin.propose(this.state());
  }

  #chat(state) {
    const conversation = state.conversations[state.current] ?? null;
    const focused = document.activeElement;
    this.sidebar.render(state);
    this.panel.render(state);
    this.#head(conversation);
    this.#connection(state);
    this.composer.render(state);
    this.timeline.render({
      conversation,
      outbox: state.outbox,
      nickname: state.nickname,
      canFill: State.isLive(state),
    });
    this.#note(state);
    this.#typing(conversation);
    this.#drawers();
    if (!focused.isConnected && document.activeElement === document.body) this.#refocus();
  }

  /** The focused element is gone, such as a room that was left: the focus goes to the input, or into the drawer. */
  #refocus() {
    if (this.drawer === "sidebar") this.#focusRooms();
    else if (this.drawer === "panel") this.find("close-panel").focus();
    else this.composer.focus();
  }

  #focusRooms() {
    (this.find("rooms").querySelector("[aria-current]") ?? this.find("join-room")).focus();
  }

  /** Says a note at the input too if there is no log to hold it, or if it is a fault and out of sight. */
  #note({ lastNote, current }) {
    if (lastNote === this.note) return;
    this.note = lastNote;
    if (lastNote === null) return;
    const hidden = current === null || (lastNote.tone === "error" && !this.timeline.atEnd);
    if (hidden) Dom.setText(this.find("slip"), lastNote.text);
  }

  #head(conversation) {
    Dom.setSentence(this.find("title"), conversation === null ? "No room" : Conversations.title(conversation));
    const isRoom = conversation?.kind === "room";
    if (conversation?.key !== this.topicOf) this.find("topic-form").hidden = true;
    this.find("topic").hidden = !isRoom || !this.find("topic-form").hidden;
    Dom.setText(this.find("topic-text"), conversation?.topic || "Add a topic");
    this.find("topic").classList.toggle("empty", !conversation?.topic);
    this.find("show-members").hidden = !isRoom;
  }

  #connection(state) {
    const { phase, since, why, silentSince } = state.connection;
    const silent = phase === "silent" ? this.now() - silentSince : 0;
    const isSilent = silent >= View.SILENT_MSEC;
    const shown = State.connectionShown(state);
    const unsent = State.unsent(state);
    const chip = this.find("link-state");
    chip.dataset.state = shown;
    const word = { live: "Live", reconnecting: "Reconnecting", offline: "Offline" }[shown];
    Dom.setText(this.find("link-text"), isSilent ? "No answer" : word);
    // The seconds are for the eye: the status would be read out each second.
    const seconds = isSilent ? ` for ${Math.floor(silent / 1_000)} s` : "";
    Dom.setText(this.find("link-seconds"), seconds);
    const banner = this.find("banner");
    const isBrief = ConnectionPhase.shown(phase) === "reconnecting" && since > this.now() - View.BRIEF_MSEC;
    banner.hidden = shown === "live" || (isBrief && unsent === 0);
    banner.dataset.state = shown;
    if (banner.hidden && shown !== "live") this.#later(View.BRIEF_MSEC + 50);
    else if (phase === "silent") this.#later(1_000 - (silent % 1_000));
    const waiting = unsent > 0 ? `${Wording.count(unsent, "message", "messages")} unsent` : null;
    const reason = why ?? (shown === "offline" && !state.online ? "This device has no network." : null);
    const answer = isSilent ? `No answer${seconds}` : null;
    const parts = [`${word} since ${Wording.time(since)}`, waiting, answer, reason];
    Dom.setText(this.find("banner-text"), parts.filter(Boolean).join(" · "));
  }

  /** Draws the banner if the cut lasts, and the seconds of a silence as they pass. */
  #later(msec) {
    clearTimeout(this.bannerTimer);
    this.bannerTimer = setTimeout(() => this.render(), msec);
  }

  #typing(conversation) {
    const names = conversation === null ? [] : Object.values(conversation.typing).map(({ nickname }) => nickname);
    Dom.setText(
      this.find("typing"),
      names.length === 0 ? "" : `${Wording.names(names, 2)} ${names.length === 1 ? "is" : "are"} typing …`,
    );
  }

  #title(state, chatting) {
    const all = Object.values(state.conversations);
    const unread = all.reduce((sum, one) => sum + one.unread, 0);
    const mark = all.some((one) => one.mentions > 0) ? "•" : "";
    const where =
      chatting && state.current !== null ? `${Conversations.title(state.conversations[state.current])} · ` : "";
    const title = `${unread > 0 ? `(${unread}${mark}) ` : ""}${where}Wordpacket`;
    if (document.title !== title) document.title = title;
  }

  /** Does a command that was typed or clicked; `fault` shows why it can't be done. Returns whether it was done. */
  #act(enter, text, { chosen = false, fault }) {
    const why = enter(text, (event) => this.#follow(event));
    if (why !== null) (fault ?? ((said) => Dom.setText(this.find("slip"), said)))(why);
    else if (chosen) this.#open(null);
    return why === null;
  }

  /** Moves drawers and focus, which are no part of the state, after an event of the person. */
  #follow(event) {
    if (event.type === "say") this.timeline.toNewest(event.key ?? this.state().current);
    if (event.type === "search") this.panel.showQuery(event.text);
    if (event.open) {
      this.render();
      this.#open("panel");
      this.panel.focus(event.panel ?? "search");
    }
    if (event.chosen) {
      this.#open(null);
      if (event.type === "look" || event.type === "direct") this.composer.focus();
    }
  }

  #open(drawer) {
    this.drawer = drawer;
    this.#drawers();
  }

  /** On a narrow page only the open drawer can be reached; on a wide page both sides are always shown. */
  #drawers() {
    const open = this.narrow.matches ? this.drawer : null;
    for (const side of ["sidebar", "panel"]) {
      this.find(side).classList.toggle("open", open === side);
      this.find(side).inert = this.narrow.matches && open !== side;
    }
    this.find("main").inert = open !== null;
    this.find("scrim").hidden = open === null;
    this.find("show-rooms").setAttribute("aria-expanded", String(open === "sidebar"));
    this.find("show-members").setAttribute("aria-expanded", String(open === "panel"));
    const aside = !this.narrow.matches && this.state().panel === "members";
    this.find("show-members").classList.toggle("needless", aside);
    this.find("close-panel").hidden = aside;
  }

  #listen() {
    const { find } = this;
    const panel = (name) => () => this.emit({ type: "panel", panel: name, open: true });
    find("show-rooms").addEventListener("click", () => {
      this.#open("sidebar");
      this.#focusRooms();
    });
    find("show-search").addEventListener("click", panel("search"));
    find("show-help").addEventListener("click", panel("help"));
    find("show-members").addEventListener("click", panel("members"));
    find("close-panel").addEventListener("click", () => this.#close());
    find("scrim").addEventListener("click", () => this.#close());
    find("again").addEventListener("click", () => this.emit({ type: "again" }));
    find("topic").addEventListener("click", () => this.#editTopic());
    find("topic-form").addEventListener("submit", (event) => this.#setTopic(event));
    find("topic-input").addEventListener("input", () => this.#topicFault(""));
    find("topic-input").addEventListener("blur", () => {
      if (find("topic-fault").textContent === "") this.#endTopic();
    });
    this.narrow.addEventListener("change", () => this.#open(null));
    document.addEventListener("keydown", (event) => this.#key(event));
    Mishaps.prevent(document, (text) => Dom.setText(find(find("chat").hidden ? "signin-fault" : "slip"), text));
  }

  #close() {
    const from = this.drawer;
    if (from !== "sidebar" && this.state().panel !== "members") this.emit({ type: "panel", panel: "members" });
    this.#open(null);
    if (this.narrow.matches && from === "sidebar") this.find("show-rooms").focus();
    else this.composer.focus();
  }

  #editTopic() {
    const conversation = this.state().conversations[this.state().current];
    this.topicOf = conversation.key;
    this.#topicFault("");
    this.find("topic-form").hidden = false;
    this.find("topic").hidden = true;
    this.find("topic-input").value = conversation.topic;
    this.find("topic-input").focus();
  }

  /** A topic that can't be set stays in the field, which stays open. */
  #setTopic(event) {
    event.preventDefault();
    const topic = this.find("topic-input").value.trim();
    const fault = (text) => this.#topicFault(text);
    if (!this.act(`/topic ${topic === "" ? "-" : topic}`, { fault })) return;
    this.#endTopic();
    this.composer.focus();
  }

  #topicFault(text) {
    Dom.setText(this.find("topic-fault"), text);
  }

  #endTopic() {
    this.find("topic-form").hidden = true;
    this.find("topic").hidden = false;
  }

  #key(event) {
    if (this.find("chat").hidden) return;
    if (event.key === "Escape") return this.#escape();
    if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      event.preventDefault();
      this.#neighbour(event.key === "ArrowUp" ? -1 : 1);
    }
  }

  #escape() {
    if (!this.find("topic-form").hidden) this.#endTopic();
    else if (this.drawer !== null || this.state().panel !== "members") this.#close();
    else {
      this.timeline.toNewest();
      this.composer.focus();
    }
  }

  #neighbour(step) {
    const keys = Conversations.ordered(this.state().conversations).map(({ key }) => key);
    if (keys.length === 0) return;
    const at = (keys.indexOf(this.state().current) + step + keys.length) % keys.length;
    this.emit({ type: "look", key: keys[at], chosen: true });
  }
}
