"use strict";

// Texts for people: times, numbers, names.

const Wording = (() => {
  const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hour12: false });
  const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
  const shortDay = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
  const longDay = new Intl.DateTimeFormat(undefined, {
    weekday: "long",
    day: "numeric",
    month: "long",
    year: "numeric",
  });

  const time = (at) => clock.format(at);
  const exact = (at) => moment.format(at);
  const dayAndTime = (at) => `${shortDay.format(at)}, ${clock.format(at)}`;

  /** A number that changes at midnight, where the person is. */
  function dayNumber(at) {
    const date = new Date(at);
    return date.getFullYear() * 10_000 + (date.getMonth() + 1) * 100 + date.getDate();
  }

  function day(at, now) {
    if (dayNumber(at) === dayNumber(now)) return "Today";
    const yesterday = new Date(now);
    yesterday.setDate(yesterday.getDate() - 1);
    return dayNumber(at) === dayNumber(yesterday.getTime()) ? "Yesterday" : longDay.format(at);
  }

  const count = (number, one, many) => `${number.toLocaleString()} ${number === 1 ? one : many}`;

  // Characters that are written from right to left, and those that turn what stands around them.
  const LEFTWARD = String.raw`\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}`;
  const TURNING = new RegExp(String.raw`(?!\p{Nd})[${LEFTWARD}\u200f\u202a-\u202e\u2066-\u2069]`, "u");
  const CONTROLS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

  /**
   * Returns a name, or a text of somebody's, as it stands in a sentence of ours: between FIRST STRONG ISOLATE and POP
   * DIRECTIONAL ISOLATE if it could turn the sentence around. (dom.js makes <bdi> of the two where there are elements.)
   */
  const isolated = (text) => (TURNING.test(text) ? `\u2068${text.replace(CONTROLS, "")}\u2069` : text);

  /** Joins names as a sentence does; beyond `most` the rest is counted. */
  function names(list, most = 3) {
    const shown = list.slice(0, most + 1).map(isolated);
    if (list.length > most + 1) return `${shown.slice(0, most).join(", ")} and ${list.length - most} others`;
    if (list.length < 2) return shown.join("");
    return `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`;
  }

  /** Two letters for a stamp: of the first two words of a name, or its first two letters. */
  function initials(name) {
    const words = name.split(/[^\p{L}\p{M}\p{Nd}]+/u).filter((word) => word !== "");
    const letters = words.length > 1 ? words.slice(0, 2).map(first) : [...graphemes(words[0] ?? name)].slice(0, 2);
    return letters.join("").toLocaleUpperCase();
  }

  const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });
  const graphemes = (word) => Array.from(segmenter.segment(word), ({ segment }) => segment);
  const first = (word) => graphemes(word)[0];

  return { time, exact, dayAndTime, dayNumber, day, count, isolated, names, initials };
})();
