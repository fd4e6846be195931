"use strict";

// One event's work on the state: the state so far, and the effects that main.js carries out afterwards, in order.
// Handlers get a Reduction, replace `state` (never change it in place) and leave effects; nothing here touches the
// world. Effects: {do: "send", packet} · "connect" {url} · "stop" · "later" (connect anew, but not at once) · "probe"
// {isDoubtful} (ask whether the server is there; doubtful: it may well not be) · "forget" {elsewhere, person} ·
// "download" {name, lines} · "replace" (the outbox that is kept: the next is another user's).

class Reduction {
  /** The `ref` of a packet without an answer: if it is refused, the person need not hear of it. */
  static IDLE_REF = "idle";
  /** The key of what is typed while no conversation is shown. */
  static NOWHERE = "";

  constructor(state, at) {
    this.state = state;
    this.at = at;
    this.effects = [];
  }

  set(changes) {
    this.state = { ...this.state, ...changes };
  }

  setConnection(changes) {
    this.set({ connection: { ...this.state.connection, ...changes } });
  }

  /** Moves the connection on by an event of connection_phase.js; throws if the phase doesn't take it. */
  move(event, changes = {}) {
    const { phase: before } = this.state.connection;
    const phase = ConnectionPhase.next(before, event);
    const since = ConnectionPhase.shown(phase) === ConnectionPhase.shown(before) ? {} : { since: this.at };
    this.setConnection({ ...since, ...changes, phase });
  }

  /** Whether the connection takes this event now: what servers and sockets send need not fit. */
  allows(event) {
    return ConnectionPhase.allows(this.state.connection.phase, event);
  }

  /** All is here, and the server answers: questions can be asked, and the outbox is sent. */
  get isLive() {
    return this.state.connection.phase === "live";
  }

  effect(name, details = {}) {
    this.effects.push({ do: name, ...details });
  }

  send(packet) {
    this.effect("send", { packet });
  }

  /**
   * Sends a packet whose answer is recognised by its `ref`; `purpose` waits in `state.asked` for the answer.
   * Returns the ref: a number with this page's own tag, since a broadcast carries the ref of whoever asked, and that of
   * another page must not be taken for ours. (queue.js may keep the packet back.)
   */
  ask(packet, purpose) {
    const ref = `ask-${this.state.tag}${this.state.serial}`;
    const asked = { ...this.state.asked, [ref]: { ...purpose, packet: { ...packet, ref } } };
    this.set({ serial: this.state.serial + 1, asked });
    Queue.add(this, ref);
    return ref;
  }

  /** Returns the purpose that waits for this ref, or null, and forgets it. */
  answered(ref) {
    const purpose = Object.hasOwn(this.state.asked, ref ?? "") ? this.state.asked[ref] : null;
    if (purpose !== null) {
      const { [ref]: _, ...asked } = this.state.asked;
      this.set({ asked });
      Queue.flush(this);
    }
    return purpose;
  }

  conversation(key) {
    return this.state.conversations[key] ?? null;
  }

  put(conversation) {
    this.set({ conversations: { ...this.state.conversations, [conversation.key]: conversation } });
  }

  /** Changes a conversation, if it exists. */
  update(key, change) {
    const conversation = this.conversation(key);
    if (conversation === null) return;
    const changed = change(conversation);
    if (changed !== conversation) this.put(changed);
  }

  updateAll(change) {
    for (const key of Object.keys(this.state.conversations)) this.update(key, change);
  }

  drop(key) {
    const { [key]: _, ...conversations } = this.state.conversations;
    const current =
      this.state.current === key ? (Conversations.ordered(conversations)[0]?.key ?? null) : this.state.current;
    this.set({ conversations, current });
    if (current !== null) this.update(current, Conversations.seen);
  }

  /** Whether a conversation has messages without an echo. */
  isUnsent(key) {
    return this.state.outbox.some((entry) => Conversations.keyOf(Outbox.target(entry)) === key);
  }

  /** We are no longer in a room: it goes, unless unsent messages have to be shown in it. */
  leave(key) {
    if (this.isUnsent(key)) this.update(key, Conversations.outside);
    else this.drop(key);
  }

  /** Shows a conversation; messages that were new in the one before are no longer new. */
  look(key) {
    const before = this.state.current;
    if (before !== key && before !== null) this.update(before, (old) => ({ ...old, divider: null }));
    if (before === null) this.moveDraft(Reduction.NOWHERE, key);
    this.set({ current: key });
    if (this.state.attentive) this.update(key, Conversations.seen);
  }

  /** Moves the draft of one conversation to another, behind the draft that is there. */
  moveDraft(from, to) {
    const { [from]: text, ...others } = this.state.drafts;
    if (text === undefined || from === to) return;
    this.set({ drafts: { ...others, [to]: to in others ? `${others[to]}\n${text}` : text } });
  }

  /**
   * Writes a line for the person alone into a conversation (by default the one shown). `tone`: info, server or
   * error.
   */
  note(text, tone = "info", key = this.state.current, at = this.at) {
    const serial = this.state.serial;
    this.set({ serial: serial + 1, lastNote: { text, tone, serial } });
    if (key === null) return;
    const entry = { kind: "event", key: `note-${serial}-${this.at}`, text, tone, at };
    this.update(key, (old) => ({ ...old, timeline: Timeline.append(old.timeline, entry) }));
  }

  /** Sends the next message of the outbox, if the connection is live. */
  flush() {
    const next = this.isLive && this.state.held.length === 0 ? Outbox.due(this.state.outbox, this.at) : null;
    if (next === null) return;
    this.set({ outbox: Outbox.markSent(this.state.outbox, next.ref, this.at) });
    this.send(Outbox.packet(next));
  }

  /** Replaces the outbox; an echo or a refusal lets the next one go. */
  setOutbox(outbox) {
    if (outbox === this.state.outbox) return;
    this.set({ outbox });
    this.flush();
  }
}
