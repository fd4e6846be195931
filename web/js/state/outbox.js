"use strict";

// Messages that have no echo yet (PROTOCOL.md section 5). Pure: every function returns a new array.
// An entry lives from the Enter key to its echo, whatever happens to connection, page or server in between:
//   pending, not sent   typed; or the connection that it was sent on is gone
//   pending, sent       on its way on this connection; at most one is
//   failed              refused; waits for the person to try again or discard
// `attempted` stays true once it was sent on any connection: the server may have it although the echo never came.

const Outbox = (() => {
  const DELAY_MIN_MSEC = 1_000;
  const DELAY_MAX_MSEC = 30_000;

  /** `target` is {room} or {to}. */
  function add(outbox, { ref, target, message, action, at }) {
    const entry = {
      ref,
      ...target,
      message,
      at,
      state: "pending",
      sent: false,
      attempted: false,
      delay: 0,
      notBefore: 0,
    };
    return [...outbox, action ? { ...entry, action: true } : entry];
  }

  /** The echo came: the log has it. */
  function settle(outbox, ref) {
    return ref !== undefined && has(outbox, ref) ? outbox.filter((entry) => entry.ref !== ref) : outbox;
  }

  const discard = settle;

  function has(outbox, ref) {
    return outbox.some((entry) => entry.ref === ref);
  }

  function change(outbox, ref, changes) {
    return outbox.map((entry) => (entry.ref === ref ? { ...entry, ...changes } : entry));
  }

  /** The server refused it for good; `reason` is for people. */
  function fail(outbox, ref, reason) {
    return change(outbox, ref, { state: "failed", sent: false, reason });
  }

  /** The server can't take it now: it stays pending, and waits longer each time, or as the server says (ms or null). */
  function postpone(outbox, ref, reason, now, wait = null) {
    const { delay: before } = outbox.find((entry) => entry.ref === ref);
    const delay = wait ?? Math.min(DELAY_MAX_MSEC, before === 0 ? DELAY_MIN_MSEC : before * 2);
    return change(outbox, ref, { sent: false, reason, delay, notBefore: now + delay });
  }

  /** The person asks to try a failed one again. A refused ref was never logged, so it serves again. */
  function retry(outbox, ref) {
    return change(outbox, ref, { state: "pending", sent: false, delay: 0, notBefore: 0, reason: undefined });
  }

  /** The connection is another one (or resumed): a message that was sent on it counts as not sent. */
  function unsend(outbox) {
    return outbox.map((entry) => (entry.state === "pending" ? { ...entry, sent: false, notBefore: 0 } : entry));
  }

  /**
   * The server took us for a new user: an attempted message may stand there as another user's, and sending it again
   * could show it twice. That choice is the person's.
   */
  function disown(outbox, reason) {
    return outbox.map((entry) => (entry.attempted ? refused(entry, reason) : entry));
  }

  /** Every entry is another user's. */
  function disownAll(outbox, reason) {
    return outbox.map((entry) => refused(entry, reason));
  }

  const refused = (entry, reason) =>
    entry.state === "failed" ? entry : { ...entry, state: "failed", sent: false, reason };

  /**
   * Returns the entry that is to be sent now, or null. One at a time, and none before the echo of the one in front of
   * it: a connection that breaks between two (or a bridge's link, unseen from here) may lose the first and deliver
   * the second.
   */
  function due(outbox, now) {
    const next = first(outbox);
    return next === null || next.notBefore > now ? null : next;
  }

  /** Returns the first pending entry, or null; null too while one is on its way. */
  function first(outbox) {
    const pending = outbox.filter((entry) => entry.state === "pending");
    return pending.some((entry) => entry.sent) ? null : (pending[0] ?? null);
  }

  const markSent = (outbox, ref, now) =>
    change(outbox, ref, { sent: true, sentAt: now, attempted: true, reason: undefined });

  /** Returns since when (in ms) the message that is on its way has no echo, or null. */
  function unechoedSince(outbox) {
    const sent = outbox.find((entry) => entry.state === "pending" && entry.sent);
    return sent === undefined ? null : sent.sentAt;
  }

  /** Returns when (in ms) the postponed entry may be tried again, or null. */
  function nextDue(outbox) {
    const next = first(outbox);
    return next === null || next.notBefore === 0 ? null : next.notBefore;
  }

  /** Adds entries that another tab, or this page before its reload, left behind; each only once. */
  function adopt(outbox, left) {
    const fresh = left
      .filter((entry) => !has(outbox, entry.ref))
      .map((entry) => ({ ...entry, sent: false, notBefore: 0 }));
    return fresh.length === 0 ? outbox : [...fresh, ...outbox];
  }

  /** Returns {kind, name} of the conversation that an entry belongs to. */
  const target = ({ room, to }) => (room === undefined ? { kind: "direct", name: to } : { kind: "room", name: room });

  /** Returns the packet that carries an entry. */
  function packet(entry) {
    const { room, to, message, action, ref } = entry;
    return { type: "MSG", room, to, message, action, ref };
  }

  return {
    add,
    settle,
    discard,
    has,
    fail,
    postpone,
    retry,
    unsend,
    disown,
    disownAll,
    due,
    markSent,
    unechoedSince,
    nextDue,
    adopt,
    target,
    packet,
  };
})();
