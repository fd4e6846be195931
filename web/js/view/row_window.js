"use strict";

// Which entries of a conversation are in the document: [start, end) of its list. Near the window's edge it moves; its
// first entry is remembered by its key, since entries come in above it.

class RowWindow {
  static SIZE = 240;
  static MARGIN = 50;

  constructor() {
    this.entries = [];
    this.start = 0;
    this.end = 0;
    this.firstKey = undefined; // of entries[start]
  }

  /** The list is another one now; call `toEnd`, `around` or `centre` next. */
  setEntries(entries) {
    this.entries = entries;
  }

  get isFirst() {
    return this.start === 0;
  }

  get isLast() {
    return this.end === this.entries.length;
  }

  /** Returns the entries that are in the window. */
  get shown() {
    return this.entries.slice(this.start, this.end);
  }

  /** Moves to the newest entries. */
  toEnd() {
    this.#set(this.entries.length - RowWindow.SIZE, this.entries.length);
  }

  /** Stays where it is, unless the entry that is read (by its key; null: none) comes near an edge. */
  around(key) {
    const { length } = this.entries;
    const at = key === null ? -1 : this.find(key);
    if (at < 0) {
      const end = Math.min(this.end, length);
      return this.#set(Math.min(this.start, end - RowWindow.SIZE), end);
    }
    const first = this.find(this.firstKey);
    if (first >= 0) this.#set(first, first + RowWindow.SIZE);
    const isNear = at - this.start < RowWindow.MARGIN && !this.isFirst;
    const isFar = this.end - at < RowWindow.MARGIN && !this.isLast;
    if (first < 0 || isNear || isFar) this.centre(at);
  }

  /** Moves so that entries[at] is in the middle. */
  centre(at) {
    const start = Math.max(0, at - RowWindow.SIZE / 2);
    this.#set(start, start + RowWindow.SIZE);
  }

  /** Returns the index of the entry with this key, or -1. */
  find(key) {
    return this.entries.findIndex((entry) => entry.key === key);
  }

  #set(start, end) {
    this.start = Math.max(0, start);
    this.end = Math.min(this.entries.length, end);
    this.firstKey = this.entries[this.start]?.key;
  }
}
