"use strict";

// The left side: the rooms and the direct messages, the number of unread messages in each, and oneself.

class SidebarView {
  static badge(unread) {
    return unread > 99 ? "99+" : String(unread);
  }

  constructor({ find, emit, act }) {
    this.find = find;
    this.emit = emit;
    this.act = act;
    this.items = new Map(); // key -> {item, conversation, current}
    this.forgetting = new ForgetButton(find("forget"), emit);
    this.headings = { room: Dom.el("h2", {}, "Rooms"), direct: Dom.el("h2", {}, "Direct messages") };
    this.lists = { room: Dom.el("ul", {}), direct: Dom.el("ul", {}) };
    find("rooms").addEventListener("click", (event) => this.#clicked(event));
    find("sign-out").addEventListener("click", () => emit({ type: "quit" }));
    find("browse").addEventListener("click", () => emit({ type: "panel", panel: "browse", open: true }));
    find("join").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#join();
    });
    find("join-room").addEventListener("input", () => this.#fault(""));
  }

  /** A room that can't be entered stays in the field, to be corrected or tried again. */
  #join() {
    const input = this.find("join-room");
    if (input.value.trim() === "") return input.focus();
    this.#fault("");
    if (this.act(`/join ${input.value}`, { fault: (text) => this.#fault(text) })) input.value = "";
  }

  #fault(text) {
    Dom.setText(this.find("join-fault"), text);
  }

  render(state) {
    this.#rooms(state);
    Dom.setText(this.find("server-name"), state.hello.name || "Wordpacket");
    Dom.setText(this.find("own-nickname"), state.nickname);
    Dom.tint(this.find("own-nickname"), state.nickname);
    Dom.setStamp(this.find("own-stamp"), state.nickname);
    this.forgetting.render(State.unsent(state));
    this.#elsewhere(state);
  }

  /** The badge on the button that shows the rooms, on a narrow page: what waits in those that aren't shown. */
  #elsewhere(state) {
    const elsewhere = Object.values(state.conversations).filter((one) => one.key !== state.current);
    const badge = this.find("elsewhere");
    const unread = elsewhere.reduce((sum, one) => sum + one.unread, 0);
    const hasFailed = elsewhere.some(({ key }) => State.failed(state, key) > 0);
    badge.hidden = unread === 0 && !hasFailed;
    Dom.setText(badge, hasFailed ? "!" : SidebarView.badge(unread));
    badge.setAttribute("aria-label", hasFailed ? "A message was not sent" : `${unread} unread`);
    badge.classList.toggle("mentioned", hasFailed || elsewhere.some((one) => one.mentions > 0));
  }

  #rooms(state) {
    const { conversations, current, outbox } = state;
    if (conversations === this.conversations && current === this.current && outbox === this.outbox) return;
    const turned = current !== this.current;
    [this.conversations, this.current, this.outbox] = [conversations, current, outbox];
    const ordered = Conversations.ordered(state.conversations);
    const kept = new Map();
    for (const conversation of ordered)
      kept.set(
        conversation.key,
        this.#item(conversation, conversation.key === current, State.failed(state, conversation.key)),
      );
    this.items = kept;
    const shown = [];
    for (const kind of ["room", "direct"]) {
      const items = ordered.filter((one) => one.kind === kind).map((one) => kept.get(one.key).item);
      Dom.arrange(this.lists[kind], items);
      if (items.length > 0) shown.push(this.headings[kind], this.lists[kind]);
    }
    Dom.arrange(this.find("rooms"), shown);
    if (turned) kept.get(state.current)?.item.scrollIntoView({ block: "nearest" });
  }

  /** Returns a conversation's element: the same one for as long as it is listed, so that the focus stays on it. */
  #item(conversation, current, failed) {
    const { key, kind, name, unread, mentions, joined } = conversation;
    const look = [unread, mentions, joined, current, failed, name].join();
    const old = this.items.get(key);
    if (old?.look === look) return old;
    const item = old?.item ?? Dom.el("li");
    const button =
      item.querySelector(".room") ?? Dom.el("button", { type: "button", class: "room", "data-key": key });
    const sigil = kind === "room" ? Dom.el("span", { class: "sigil", "aria-hidden": "true" }, "#") : Dom.stamp(name);
    const label = Dom.el("bdi", { class: "room-name" }, name);
    const count = Dom.el(
      "span",
      {
        class: mentions > 0 ? "unread mentioned" : "unread",
        "aria-label": `${unread} unread${mentions > 0 ? ", you are mentioned" : ""}`,
      },
      SidebarView.badge(unread),
    );
    const unsent = Dom.el("span", { class: "unsent", role: "img", "aria-label": `${failed} not sent` }, "!");
    button.replaceChildren(sigil, label, ...(failed > 0 ? [unsent] : []), ...(unread > 0 ? [count] : []));
    button.classList.toggle("has-unread", unread > 0);
    button.classList.toggle("gone", !joined);
    if (current) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
    if (old === undefined) {
      const leave = `${kind === "room" ? "Leave" : "Close the conversation with"} ${Wording.isolated(name)}`;
      item.append(
        button,
        Dom.el(
          "button",
          { type: "button", class: "icon close-room", "data-leave": key, "aria-label": leave, title: leave },
          "×",
        ),
      );
    }
    return { item, look };
  }

  #clicked(event) {
    const button = event.target.closest("button");
    if (button === null) return;
    if (button.dataset.leave !== undefined)
      return this.emit({ type: "leaveConversation", key: button.dataset.leave });
    this.emit({ type: "look", key: button.dataset.key, chosen: true });
  }
}
