"use strict";

// The input: never locked, whatever the connection does. Enter sends, Shift+Enter breaks the line, Tab completes, the
// arrows bring back what was entered before. The text begun in a conversation is its draft: state.js keeps it, and it
// comes back with the conversation.

class Composer {
  static HISTORY = 100;
  // The part of the limit from which on the number of characters is shown.
  static COUNT_FROM = 0.9;

  /** `enter(text)` does what is entered and returns null, or why it can't (a sentence). `state()` gives the state. */
  constructor({ find, enter, state, emit, page }) {
    this.find = find;
    this.input = find("composer");
    this.list = find("completions");
    this.enter = enter;
    this.state = state;
    this.emit = emit;
    this.page = page;
    this.history = [];
    this.at = 0; // place in the history; its length: the draft
    this.key = null; // of the conversation whose draft is in the input
    this.completing = null; // {from, to, options, chosen}
    this.escaped = false; // Escape was the last key
    this.input.addEventListener("keydown", (event) => this.#key(event));
    this.input.addEventListener("input", () => this.#typed());
    this.input.addEventListener("blur", () => this.#complete(null));
    this.list.addEventListener("pointerdown", (event) => {
      event.preventDefault(); // the input keeps the focus
      const option = event.target.closest("[role=option]");
      if (option !== null) this.#accept(Number(option.dataset.at));
    });
    find("write").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
      this.input.focus();
    });
  }

  render(state) {
    const conversation = state.conversations[state.current] ?? null;
    const key = state.current ?? Reduction.NOWHERE;
    if (key !== this.key) {
      this.key = key;
      this.at = this.history.length;
      // A person's rename moves the draft to another key; the caret stays where it is.
      if (this.input.value !== this.#draft()) this.#show(this.#draft());
      this.#slip("");
    }
    const place = conversation === null ? "Type /join and a room" : `Write to ${Conversations.title(conversation)}`;
    if (this.input.placeholder !== place) this.input.placeholder = place;
  }

  focus() {
    this.input.focus();
  }

  forget() {
    this.history = [];
    this.key = null;
    this.#show("");
    this.#slip("");
  }

  #draft() {
    return this.state().drafts[this.key] ?? "";
  }

  #keep(text, key = this.key) {
    this.emit({ type: "draft", key, text });
  }

  #show(text) {
    this.input.value = text;
    this.#grow();
    this.#complete(null);
  }

  #grow() {
    // Browsers with `field-sizing` do this by themselves.
    if (!CSS.supports("field-sizing", "content")) {
      this.input.style.height = "auto";
      this.input.style.height = `${this.input.scrollHeight}px`;
    }
    const most = this.state().hello.limits.message;
    const length = this.input.value.length < most * Composer.COUNT_FROM ? 0 : Wire.length(this.input.value);
    const counter = this.find("counter");
    counter.hidden = length < most * Composer.COUNT_FROM;
    counter.classList.toggle("over", length > most);
    Dom.setText(counter, `${length.toLocaleString()} / ${most.toLocaleString()}`);
  }

  #slip(text) {
    Dom.setText(this.find("slip"), text);
  }

  #submit() {
    const text = this.input.value;
    const { key } = this;
    if (text.trim() === "") return;
    const fault = this.enter(text);
    this.#slip(fault ?? "");
    if (fault !== null) return;
    if (this.history.at(-1) !== text) this.history = [...this.history.slice(-Composer.HISTORY), text];
    this.at = this.history.length;
    // The command may have shown another conversation already: the draft of this one is cleared.
    this.#keep("", key);
    if (this.input.value === text) this.#show("");
  }

  #typed() {
    this.at = this.history.length;
    this.#slip("");
    this.#grow();
    const { value, selectionStart } = this.input;
    this.#keep(value);
    const command = value.startsWith("/");
    if (!command && value.trim() !== "") this.emit({ type: "typing" });
    // Commands offer themselves while they are typed; names wait for Tab, unless # or @ asks for them.
    const before = value.slice(0, selectionStart);
    const from = Completion.wordStart(before);
    const asks = (command && from === 0) || /^[#@]./u.test(before.slice(from));
    this.#complete(asks ? Completion.find(value, selectionStart, this.state()) : null);
  }

  #key(event) {
    const { key, shiftKey, ctrlKey, altKey, metaKey } = event;
    if (altKey || metaKey || (ctrlKey && key !== "Enter")) return;
    const handler = {
      Enter: () => !shiftKey && this.#enter(),
      Tab: () => this.#tab(shiftKey ? -1 : 1),
      Escape: () => this.#escape(event),
      ArrowUp: () => this.#arrow(-1),
      ArrowDown: () => this.#arrow(1),
      PageUp: () => this.#page(-1),
      PageDown: () => this.#page(1),
    }[key];
    if (handler?.()) event.preventDefault();
    this.escaped = key === "Escape";
  }

  // Handlers of keys return whether they did something, so that the browser does nothing more.

  #escape(event) {
    if (this.completing === null) return false;
    this.#complete(null);
    event.stopPropagation();
    return true;
  }

  #page(direction) {
    this.page(direction);
    return true;
  }

  #enter() {
    if (this.completing !== null && this.completing.chosen >= 0) this.#accept(this.completing.chosen);
    else this.#submit();
    return true;
  }

  /**
   * Completes the word; a further Tab takes the next completion, and Shift+Tab the one before. Without completions, and
   * after Escape, Tab moves the focus: nobody is caught in the input.
   */
  #tab(step) {
    if (this.completing === null) {
      if (step < 0 || this.escaped) return false;
      const { value, selectionStart } = this.input;
      const found = Completion.find(value, selectionStart, this.state());
      if (found.options.length === 0) return false;
      this.#complete(found);
    }
    if (this.completing.options.length === 1) this.#accept(0);
    else this.#choose(step);
    return true;
  }

  #arrow(step) {
    if (this.completing !== null) {
      this.#choose(step);
      return true;
    }
    const { value, selectionStart, selectionEnd } = this.input;
    if (selectionStart !== selectionEnd) return false;
    const rest = step < 0 ? value.slice(0, selectionStart) : value.slice(selectionEnd);
    const at = this.at + step;
    if (rest.includes("\n") || at < 0 || at > this.history.length) return false;
    this.at = at;
    this.#show(at === this.history.length ? this.#draft() : this.history[at]);
    return true;
  }

  #choose(step) {
    const { options, chosen } = this.completing;
    const next = chosen < 0 && step < 0 ? options.length - 1 : (chosen + step + options.length) % options.length;
    this.#complete({ ...this.completing, chosen: next });
  }

  #accept(at) {
    const { from, to, options } = this.completing;
    const { value } = this.input;
    const after = value.slice(to).replace(/^ /u, "");
    this.#show(value.slice(0, from) + options[at].text + after);
    this.#keep(this.input.value);
    const caret = from + options[at].text.length;
    this.input.setSelectionRange(caret, caret);
  }

  /** Shows completions (null: none). */
  #complete(found) {
    this.completing = found === null || found.options.length === 0 ? null : { chosen: -1, ...found };
    const { options, chosen } = this.completing ?? { options: [], chosen: -1 };
    this.list.hidden = options.length === 0;
    if (chosen >= 0) this.input.setAttribute("aria-activedescendant", `completion-${chosen}`);
    else this.input.removeAttribute("aria-activedescendant");
    this.list.replaceChildren(
      ...options.map(({ label, detail }, at) =>
        Dom.el(
          "li",
          { role: "option", id: `completion-${at}`, "data-at": at, "aria-selected": String(at === chosen) },
          Dom.el("bdi", {}, ...(label.startsWith("#") ? ["#", Dom.el("bdi", {}, label.slice(1))] : [label])),
          Dom.el("span", { class: "detail" }, detail),
        ),
      ),
    );
    this.list.children[chosen]?.scrollIntoView({ block: "nearest" });
  }
}
