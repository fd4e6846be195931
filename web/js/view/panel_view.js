"use strict";

// The right side: members of the room, search, the list of all rooms, help. One at a time.

class PanelView {
  static TITLES = { members: "Members", search: "Search", browse: "All rooms", help: "Help" };

  constructor({ find, emit, act }) {
    this.find = find;
    this.emit = emit;
    this.act = act;
    this.#commands();
    find("members").addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button !== null) emit({ type: "direct", nickname: button.dataset.nickname, chosen: true });
    });
    find("members-more").addEventListener("click", () => emit({ type: "membersMore", key: this.key }));
    find("directory").addEventListener("click", (event) => {
      const button = event.target.closest("button");
      const fault = (text) => Dom.setText(find("directory-note"), text);
      if (button !== null) act(`/join ${button.dataset.room}`, { chosen: true, fault });
    });
    find("directory-more").addEventListener("click", () => emit({ type: "directoryMore" }));
    find("hits").addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button !== null) emit({ type: "openContext", message: this.hits[Number(button.dataset.at)], chosen: true });
    });
    find("hits-more").addEventListener("click", () => emit({ type: "searchMore" }));
    find("search-form").addEventListener("submit", (event) => {
      event.preventDefault();
      act(`/search ${find("search-input").value}`, { fault: (text) => this.#status(text) });
    });
    find("search-form").addEventListener("keydown", (event) => this.#intoHits(event));
    find("hits").addEventListener("keydown", (event) => this.#alongHits(event));
  }

  /** A search by command is put into the field too, where it can be changed. */
  showQuery(text) {
    this.find("search-input").value = text;
  }

  /** Puts the focus where the panel is used. */
  focus(panel) {
    const field = panel === "search" ? this.find("search-input") : this.find("close-panel");
    field.focus();
    if (panel === "search") field.select();
  }

  render(state) {
    const conversation = state.conversations[state.current] ?? null;
    const room = conversation?.kind === "room" ? conversation : null;
    for (const name of Object.keys(PanelView.TITLES)) this.find(`panel-${name}`).hidden = name !== state.panel;
    const members = room === null ? PanelView.TITLES.members : Wording.count(room.count, "member", "members");
    Dom.setText(this.find("panel-title"), state.panel === "members" ? members : PanelView.TITLES[state.panel]);
    if (state.panel === "members") this.#members(conversation, state.nickname);
    if (state.panel === "search") this.#search(state);
    if (state.panel === "browse") this.#directory(state);
  }

  #members(conversation, nickname) {
    this.key = conversation?.key;
    const list =
      conversation?.kind === "direct"
        ? { [conversation.name]: conversation.name, [nickname]: nickname }
        : (conversation?.members ?? {});
    if (list === this.members && nickname === this.nickname) return;
    if (conversation?.kind === "room") [this.members, this.nickname] = [list, nickname];
    else this.members = null;
    const names = conversation?.kind === "room" ? Conversations.memberNames(conversation) : Object.values(list);
    const old = new Map([...this.find("members").children].map((item) => [item.dataset.nickname, item]));
    Dom.arrange(
      this.find("members"),
      names.map((name) => {
        const isOwn = Names.same(name, nickname);
        const item = old.get(name);
        return item?.dataset.own === String(isOwn) ? item : PanelView.#member(name, isOwn);
      }),
    );
    this.find("members-more").hidden = conversation?.membersMore !== true;
  }

  /** A member can be written to; oneself can't. */
  static #member(name, isOwn) {
    const attributes = isOwn
      ? { class: "member", title: "This is you" }
      : { class: "member", type: "button", "data-nickname": name, title: `Write to ${Wording.isolated(name)}` };
    const member = Dom.el(isOwn ? "div" : "button", attributes, Dom.stamp(name), Dom.name(name));
    return Dom.el("li", { "data-nickname": name, "data-own": isOwn ? "true" : "false" }, member);
  }

  #status(text) {
    Dom.setText(this.find("search-status"), text);
  }

  #search({ search, nickname }) {
    if (search === this.search) return;
    this.search = search;
    const { state, messages, more, fault } = search;
    const many = Wording.count(messages.length, "message", "messages");
    const words = {
      idle: "",
      asking: "Searching …",
      failed: fault,
      done: messages.length === 0 ? `Nothing found${more ? " yet" : ""}` : `${many}${more ? ", and older ones" : ""}`,
    };
    this.#status(words[state]);
    this.find("hits-more").hidden = state !== "done" || !more;
    if (messages === this.hits) return;
    this.hits = messages;
    const wanted = search.wanted === null ? [] : search.wanted.query.split(/\s+/u);
    this.find("hits").replaceChildren(
      ...messages.map((message, at) => PanelView.#hit(message, at, nickname, wanted)),
    );
  }

  static #hit(message, at, nickname, words) {
    const target = Conversations.target(message, nickname);
    const title = Conversations.title(target);
    const where = target.kind === "room" ? title : `with ${title}`;
    const time = Date.parse(message.timestamp);
    return Dom.el(
      "li",
      {},
      Dom.el(
        "button",
        { type: "button", "data-at": at, "data-id": message.id },
        Dom.el(
          "span",
          { class: "hit-head" },
          Dom.name(message.nickname),
          Dom.el("span", { class: "hit-where" }, ...Dom.sentence(where)),
        ),
        Dom.el("span", { class: "hit-text", dir: "auto" }, ...PanelView.#marked(message.message, words)),
        Dom.el("time", { datetime: message.timestamp }, Wording.dayAndTime(time)),
      ),
    );
  }

  /** Returns a text with the words of the query marked: those that are equal but for upper and lower case. */
  static #marked(text, words) {
    const pattern = words.map((word) => word.replace(/[\\^$.*+?()[\]{}|/]/gu, "\\$&")).join("|");
    if (pattern === "") return [text];
    return text
      .split(new RegExp(`(${pattern})`, "giu"))
      .map((part, at) => (at % 2 === 1 ? Dom.el("mark", {}, part) : part));
  }

  #intoHits(event) {
    if (event.key !== "ArrowDown") return;
    event.preventDefault();
    this.find("hits").querySelector("button")?.focus();
  }

  #alongHits(event) {
    const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = event.target.closest("li")[step];
    if (next !== null) next.querySelector("button").focus();
    else if (event.key === "ArrowUp") this.find("search-input").focus();
  }

  #directory({ directory, conversations }) {
    if (directory === this.directory && conversations === this.conversations) return;
    [this.directory, this.conversations] = [directory, conversations];
    this.find("directory").replaceChildren(
      ...directory.rooms.map(({ room, topic, count }) => {
        const inside = conversations[Conversations.roomKey(room)]?.joined === true;
        return Dom.el(
          "li",
          {},
          Dom.el(
            "button",
            { type: "button", "data-room": room },
            Dom.el(
              "span",
              { class: "directory-head" },
              Dom.el("span", { class: "directory-name" }, "#", Dom.el("bdi", {}, room)),
              Dom.el(
                "span",
                { class: "directory-count" },
                `${inside ? "joined · " : ""}${Wording.count(count, "member", "members")}`,
              ),
            ),
            topic ? Dom.el("span", { class: "directory-topic", dir: "auto" }, topic) : null,
          ),
        );
      }),
    );
    Dom.setText(
      this.find("directory-note"),
      directory.asking ? "Loading …" : directory.rooms.length === 0 ? "No room has members" : "",
    );
    this.find("directory-more").hidden = !directory.more;
  }

  #commands() {
    this.find("command-list").append(
      ...Commands.TABLE.map((command) =>
        PanelView.#explained(
          [Dom.el("code", {}, Commands.synopsis(command))],
          [command.help, command.usage === "" ? "" : Dom.el("code", { class: "example" }, command.example)],
        ),
      ),
    );
    this.find("key-list").append(
      ...Keys.TABLE.map(({ keys, does }) =>
        PanelView.#explained(
          // "Alt-Up, Alt-Down": each key gets a cap of its own; what stands between them stays.
          keys.split(/([\s,…-]+)/u).map((part, at) => (at % 2 === 0 ? Dom.el("kbd", {}, part) : part)),
          [does],
        ),
      ),
    );
  }

  static #explained(terms, texts) {
    return Dom.el("div", {}, Dom.el("dt", {}, ...terms), Dom.el("dd", {}, ...texts));
  }
}
