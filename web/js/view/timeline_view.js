"use strict";

// The log on screen. However many messages a conversation has, only a window of rows (row_window.js) is in the
// document. Whatever changes above the reader's eye, the line that they read stays where it is: before each change one
// visible row is taken as the anchor, and afterwards the scroll position is set so that the anchor has not moved. (The
// browser's own scroll anchoring is off: two corrections would make a jump.) A reader at the end stays at the end.

class TimelineView {
  // A reader this close to the end is at the end.
  static END_PIXELS = 48;
  // A gap within this distance is filled before the reader gets to it.
  static AHEAD_PIXELS = 900;

  /** `emit` takes events for state.js; `now` gives ms. */
  constructor({ root, newest, newestText, emit, now }) {
    this.root = root;
    this.newest = newest;
    this.newestText = newestText;
    this.emit = emit;
    this.now = now;
    this.drawn = new Map(); // row key -> {element, line, signature}; line: where its text is, or null
    this.places = new Map(); // conversation key -> {anchor} where the reader was; absent: at the end
    this.key = null;
    this.rows = new RowWindow();
    this.atEnd = true;
    this.goalSerial = 0;
    this.unseen = 0;
    this.lastTop = 0;
    this.held = null; // where the reader's line is, for when the log changes its size
    root.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    root.addEventListener("click", (event) => this.#clicked(event));
    newest.addEventListener("click", () => this.toNewest());
    new ResizeObserver(() => this.#settle()).observe(root);
  }

  /**
   * Draws `conversation` (null: nothing). `outbox`: all unsent messages; `nickname`: one's own; `canFill`: gaps can be
   * filled now.
   */
  render({ conversation, outbox, nickname, canFill }) {
    this.canFill = canFill;
    if (conversation === null) return this.#clear();
    const changed = conversation.key !== this.key;
    if (changed) this.#change(conversation.key);
    const anchor = changed ? (this.places.get(this.key) ?? null) : this.atEnd ? null : this.#anchor();
    const last = this.rows.entries.at(-1);
    const known = changed ? null : Timeline.newest(this.conversation.timeline);
    this.conversation = conversation;
    this.nickname = nickname;
    this.rows.setEntries(Rows.all(conversation, outbox, nickname));
    this.#countUnseen(known);
    this.#place(anchor);
    this.#draw(changed || !this.#isNews(last, known));
    this.#restore(anchor);
    this.#seekGoal();
    this.#fillNear();
    this.#showNewest();
  }

  /** Shows the newest message of a conversation: now, or once it is looked at. */
  toNewest(key = this.key) {
    this.places.delete(key);
    if (key !== this.key) return;
    this.atEnd = true;
    this.unseen = 0;
    this.#refresh(null);
    this.#showNewest();
  }

  /** Scrolls by a part of the height of the log: PageUp and PageDown from the composer. */
  page(direction) {
    this.root.scrollBy({ top: direction * this.root.clientHeight * 0.85 });
  }

  /** Forgets the reader's place in every conversation: the next one begins at the newest message. */
  forget() {
    this.#clear();
    this.atEnd = true;
    this.places.clear();
  }

  #clear() {
    this.key = null;
    this.rows.setEntries([]);
    this.drawn.clear();
    this.root.replaceChildren();
    this.newest.hidden = true;
  }

  #change(key) {
    if (this.key !== null) {
      const anchor = this.atEnd ? null : this.#anchor();
      if (anchor === null) this.places.delete(this.key);
      else this.places.set(this.key, anchor);
    }
    this.key = key;
    this.atEnd = !this.places.has(key);
    this.unseen = 0;
    this.drawn.clear();
    this.root.replaceChildren();
  }

  /**
   * Returns the first text that is wholly below the top edge, as {key, top}: its row and its distance from that edge.
   * The text and not its row: a row loses its head when a message of the same author comes in above it.
   */
  #anchor() {
    const edge = this.root.getBoundingClientRect().top;
    let partly = null;
    for (const [key, { line }] of this.drawn) {
      if (line === null) continue;
      const { top, bottom } = line.getBoundingClientRect();
      if (bottom <= edge) continue;
      if (top >= edge) return { key, top: top - edge };
      partly ??= { key, top: top - edge };
    }
    return partly;
  }

  /** Whether what stands at the end is new since `last` stood there, and no page of the past that filled a gap. */
  #isNews(last, known) {
    const end = this.rows.entries.at(-1);
    return end !== undefined && end !== last && (end.kind !== "message" || end.id === null || end.id > known);
  }

  /** Chooses the window: at the end, or around the anchor. */
  #place(anchor) {
    if (this.atEnd) this.rows.toEnd();
    else this.rows.around(anchor?.key ?? null);
  }

  /** Brings the document in line with the window. `quiet`: nothing new stands at the end, so nothing is read out. */
  #draw(quiet) {
    const { divider, loading } = this.conversation;
    const { entries, start, end } = this.rows;
    const rows = Rows.slice(entries, start, end, {
      divider,
      now: this.now(),
      loading: loading !== null,
    });
    const drawn = new Map();
    for (const row of rows) {
      const old = this.drawn.get(row.key);
      if (old?.signature === row.signature) {
        drawn.set(row.key, old);
        continue;
      }
      const element = Rows.element(row, { nickname: this.nickname });
      drawn.set(row.key, { element, line: element.querySelector(".text, .event-text"), signature: row.signature });
    }
    this.root.setAttribute("aria-live", quiet ? "off" : "polite");
    this.#keepFocus(() =>
      Dom.arrange(
        this.root,
        [...drawn.values()].map(({ element }) => element),
      ),
    );
    this.drawn = drawn;
  }

  /** A button that is replaced by its successor (a gap that shrinks) hands its focus to the log. */
  #keepFocus(work) {
    const inside = this.root.contains(document.activeElement) && document.activeElement !== this.root;
    work();
    if (inside && !this.root.contains(document.activeElement)) this.root.focus({ preventScroll: true });
  }

  #restore(anchor) {
    if (this.atEnd) {
      this.root.scrollTop = this.root.scrollHeight;
    } else if (anchor !== null) {
      const line = this.drawn.get(anchor.key)?.line ?? null;
      if (line !== null) {
        const moved = line.getBoundingClientRect().top - this.root.getBoundingClientRect().top - anchor.top;
        if (Math.abs(moved) >= 0.5) this.root.scrollTop += moved;
      }
    }
    this.#hold();
  }

  #hold() {
    this.lastTop = this.root.scrollTop;
    this.held = this.atEnd ? null : this.#anchor();
  }

  #refresh(anchor) {
    if (this.key === null) return;
    this.#place(anchor);
    this.#draw(true);
    this.#restore(anchor);
  }

  /** The size changed (window, keyboard, panel): the reader's line, or the end, is where it was. */
  #settle() {
    if (this.key === null) return;
    this.#restore(this.atEnd ? null : this.held);
    this.#fillNear();
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.root;
    if (this.key === null || scrollTop === this.lastTop) return;
    this.lastTop = scrollTop;
    const below = scrollHeight - scrollTop - clientHeight;
    this.atEnd = this.rows.isLast && below < TimelineView.END_PIXELS;
    if (this.atEnd) this.unseen = 0;
    const more =
      (!this.rows.isFirst && scrollTop < TimelineView.AHEAD_PIXELS) ||
      (!this.rows.isLast && below < TimelineView.AHEAD_PIXELS);
    if (more && !this.atEnd) {
      const anchor = this.#anchor();
      const at = anchor === null ? -1 : this.rows.find(anchor.key);
      if (at >= 0) {
        this.rows.centre(at);
        this.#draw(true);
        this.#restore(anchor);
      }
    }
    this.#hold();
    this.#fillNear();
    this.#showNewest();
  }

  /**
   * Asks for messages of a gap near the visible part, from the side on which the reader's line stands: they then push
   * the gap away from the reader. (From the other side the gap would stay in sight, and ask on until it is filled.)
   */
  #fillNear() {
    if (!this.canFill || this.conversation.loading !== null) return;
    const view = this.root.getBoundingClientRect();
    if (view.height === 0) return;
    const anchor = this.atEnd ? null : this.#anchor();
    let passed = false;
    for (const entry of this.rows.shown) {
      passed ||= entry.key === anchor?.key;
      if (entry.kind !== "gap" || entry.failed) continue;
      const { top, bottom } = this.drawn.get(entry.key).element.getBoundingClientRect();
      if (bottom < view.top - TimelineView.AHEAD_PIXELS || top > view.bottom + TimelineView.AHEAD_PIXELS) continue;
      const side = passed && entry.after > 0 ? "after" : "before";
      this.emit({ type: "fill", key: this.key, gap: entry, side });
      return;
    }
  }

  /** A search hit was opened and is not shown yet. */
  #seeks() {
    return (this.conversation.goal?.serial ?? 0) > this.goalSerial;
  }

  /** Scrolls the opened search hit to the middle and marks it, as soon as it is here. */
  #seekGoal() {
    if (!this.#seeks()) return;
    const { goal, timeline } = this.conversation;
    const at = Timeline.find(timeline, goal.id);
    if (at < 0) return;
    this.goalSerial = goal.serial;
    this.atEnd = false;
    this.rows.centre(at);
    this.#draw(true);
    const { element } = this.drawn.get(timeline[at].key);
    element.scrollIntoView({ block: "center", behavior: "instant" });
    for (const old of this.root.querySelectorAll(".found")) old.classList.remove("found");
    element.classList.add("found");
    element.tabIndex = -1;
    element.focus({ preventScroll: true });
    this.#hold();
  }

  /** `known`: the highest id that the timeline spoke for before; null: another conversation was shown. */
  #countUnseen(known) {
    if (this.atEnd && !this.#seeks()) return;
    const { divider, timeline } = this.conversation;
    const first = known === null ? divider : known + 1;
    if (first === null) return;
    const others = ({ kind, nickname }) => kind === "message" && !Names.same(nickname, this.nickname);
    this.unseen += timeline.filter((entry) => entry.id >= first && others(entry)).length;
  }

  #showNewest() {
    this.newest.hidden = this.atEnd;
    const news = Wording.count(this.unseen, "new message", "new messages");
    Dom.setText(this.newestText, this.unseen > 0 ? news : "Newest");
  }

  #clicked(event) {
    const button = event.target.closest("button[data-action]");
    if (button === null) return;
    const { action, ref, after, before } = button.dataset;
    if (action !== "fill") return this.emit({ type: action, ref });
    const gap = this.rows.entries.find(
      (entry) => entry.kind === "gap" && entry.after === Number(after) && entry.before === Number(before),
    );
    if (gap !== undefined)
      this.emit({ type: "fill", key: this.key, gap, side: gap.after === 0 ? "before" : "after" });
  }
}
