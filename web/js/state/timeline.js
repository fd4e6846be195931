"use strict";

// One conversation's messages in order, with the holes in what this page knows of them. Pure: every function returns
// a new array. A *gap* stands for the ids strictly between `after` and `before` that may hold messages not seen yet;
// scrolling back, a GAP packet and the surroundings of a search hit all open or fill gaps.
//
// Rule 1: `id` never falls along the array. A message has its own; a gap has that of the message before it; whatever
// else is shown (a join, a notice) has the id of the newest message at its time.

const Timeline = (() => {
  // Beyond this the oldest are forgotten and become a gap again, so that a page open for a month stays light.
  const MOST_ENTRIES = 20_000;
  const KEPT_ENTRIES = 15_000;

  function gap(after, before) {
    return { kind: "gap", key: `gap-${after}`, id: after, after, before };
  }

  /**
   * Returns a MSG as an entry. `settles`: it is the echo of an entry of the outbox and keeps that entry's key, so that
   * the view keeps its element.
   */
  function message(packet, settles = false) {
    const fields = Object.fromEntries(Wire.MESSAGE_FIELDS.map((name) => [name, packet[name]]));
    const key = settles ? `ref-${packet.ref}` : `message-${packet.id}`;
    return { ...fields, kind: "message", key, at: Date.parse(packet.timestamp), action: packet.action === true };
  }

  /** Returns the timeline of a conversation of which nothing below id `before` is known. */
  function unknown(before) {
    return before > 1 ? [gap(0, before)] : [];
  }

  /** The highest id that the timeline speaks for. */
  function newest(entries) {
    const last = entries.at(-1);
    if (last === undefined) return 0;
    return last.kind === "gap" ? last.before - 1 : last.id;
  }

  /** Adds a message that came live or in a replay. Returns the same array if it is already there. */
  function add(entries, message) {
    if (message.id > newest(entries)) return bounded([...entries, message]);
    return has(entries, message.id) ? entries : merge(entries, [message], message.id, message.id);
  }

  /** Appends an entry that is no message; the caller gives its `kind` and `key`. */
  function append(entries, entry) {
    return [...entries, { ...entry, id: newest(entries) }];
  }

  function has(entries, id) {
    return find(entries, id) >= 0;
  }

  /** Returns the index of the message with this id, or -1. */
  function find(entries, id) {
    for (let at = lowerBound(entries, id); at < entries.length && entries[at].id === id; at += 1) {
      if (entries[at].kind === "message") return at;
    }
    return -1;
  }

  function lowerBound(entries, id) {
    let low = 0;
    let high = entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (entries[middle].id < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /**
   * Merges a page of messages (oldest first). It holds every message from id `from` to id `to`, both included, so gaps
   * lose that range. Messages already here are kept as they are.
   */
  function merge(entries, messages, from, to) {
    const rest = entries.flatMap((entry) => (entry.kind === "gap" ? without(entry, from, to) : [entry]));
    const merged = [];
    let next = 0;
    for (const entry of rest) {
      for (; next < messages.length && messages[next].id <= entry.id; next += 1) {
        if (!has(rest, messages[next].id)) merged.push(messages[next]);
      }
      merged.push(entry);
    }
    merged.push(...messages.slice(next).filter((message) => !has(rest, message.id)));
    return merged;
  }

  function without(hole, from, to) {
    if (to <= hole.after || from >= hole.before) return [hole];
    const left = from - hole.after > 1 ? [gap(hole.after, from)] : [];
    const right = hole.before - to > 1 ? [gap(to, hole.before)] : [];
    return [...left, ...right];
  }

  /** Opens a gap at the end: the messages between `after` and `before` were left out (the GAP packet). */
  function leaveOut(entries, after, before) {
    const last = entries.at(-1);
    if (last?.kind === "gap" && after < before) {
      return before > last.before ? [...entries.slice(0, -1), gap(last.after, before)] : entries;
    }
    const known = Math.max(after, newest(entries));
    return before - known > 1 ? [...entries, gap(known, before)] : entries;
  }

  /** Replaces an entry (by its key) by what `change` makes of it. */
  function change(entries, key, make) {
    return entries.map((entry) => (entry.key === key ? make(entry) : entry));
  }

  function bounded(entries) {
    if (entries.length <= MOST_ENTRIES) return entries;
    const kept = entries.slice(-KEPT_ENTRIES);
    const first = kept.findIndex((entry) => entry.kind === "message");
    return [gap(0, kept[first].id), ...kept.slice(first)];
  }

  return { message, unknown, newest, add, append, has, find, merge, leaveOut, change };
})();
