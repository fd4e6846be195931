"use strict";

// What a nickname and a room may be, and when two are the same (PROTOCOL.md section 2).
// The server judges; this copy exists so that `/join Lobby` finds #lobby, and a typo is told before it is sent.

const Names = (() => {
  // Folding is quadratic in a run of marks, so length and runs are judged before anything else. What is beyond these
  // bounds is no name (section 2), and only equal to itself.
  const LONGEST = 256; // UTF-16 units
  // NFKC makes marks of the two half-width sound marks of Japanese.
  const MARKS = /[\p{M}\uff9e\uff9f]{9}/u; // no script has as many on one letter
  const SURPLUS_MARKS = /(?<=[\p{M}\uff9e\uff9f]{30})[\p{M}\uff9e\uff9f]+/gu; // section 1 allows at most 30 in a text
  // Of the marks that JavaScript knows, these surely have a combining class; the server judges all of them.
  const STACKED = /[\u0300-\u034e\u0350-\u036f]{5}/u;
  const ALLOWED = /^[\p{L}\p{M}\p{Nd}\-_.[\]{}^|]+$/u;
  const INVISIBLE = /\p{Default_Ignorable_Code_Point}/u;
  const RESERVED = new Set(["server", "system", "admin", "root", "operator"]);
  const NICKNAME_LENGTH = 32;
  const ROOM_LENGTH = 64;
  // Upper-casing would make a dotless i equal to i; Unicode's case folding keeps them apart.
  const DOTLESS_I = "\u0131";
  const SIGMA = "\u03c3";
  const FINAL_SIGMA = "\u03c2";
  // eslint-disable-next-line no-control-regex
  const ASCII = /^[\u0000-\u007f]*$/;

  /**
   * Returns the form in which two spellings of one name are equal: NFKC, case folding, NFKC.
   * JavaScript has no case folding; lower(upper(lower(c))) of every code point makes the same names equal.
   */
  const fold = (name) => (name.length > LONGEST || MARKS.test(name) ? name : folded(name));

  /** Returns a text folded as a name is, but for the marks of a run that are more than a text may have. */
  const foldText = (text) => folded(text.replace(SURPLUS_MARKS, ""));

  function folded(text) {
    if (ASCII.test(text)) return text.toLowerCase();
    const parts = text.normalize("NFKC").split(DOTLESS_I);
    const cased = parts.map((part) => part.toLowerCase().toUpperCase().toLowerCase()).join(DOTLESS_I);
    // Of a whole word lower-casing makes a final sigma, of one code point never.
    return cased.replaceAll(FINAL_SIGMA, SIGMA).normalize("NFKC");
  }

  function fault(name, kind, most) {
    const tooLong = `a ${kind} has at most ${most} characters`;
    if (name === "") return `a ${kind} needs at least one character`;
    if (name.length > LONGEST || [...name].length > most) return tooLong;
    if (STACKED.test(name) || MARKS.test(name)) return `a ${kind} has at most 4 marks in a row`;
    const compatible = name.normalize("NFKC");
    if ([...compatible].length > most) return tooLong;
    for (const form of [name, compatible]) {
      if (!ALLOWED.test(form) || INVISIBLE.test(form)) {
        return `a ${kind} is made of letters, digits and - _ . [ ] { } ^ | only`;
      }
    }
    return null;
  }

  /** Returns whether this is a well-formed nickname, reserved or not. */
  const isNickname = (name) => fault(name, "nickname", NICKNAME_LENGTH) === null;

  /** Returns why this can't be a nickname, as a sentence for people, or null. */
  function nicknameFault(name) {
    const why = fault(name, "nickname", NICKNAME_LENGTH);
    if (why === null && RESERVED.has(fold(name))) return "this nickname is reserved";
    return why;
  }

  /** Returns why this can't be a room, as a sentence for people, or null. */
  function roomFault(name) {
    return fault(bare(name), "room name", ROOM_LENGTH);
  }

  /** Drops the leading # that people write before a room. */
  function bare(room) {
    return room.startsWith("#") ? room.slice(1) : room;
  }

  function same(one, other) {
    return fold(one) === fold(other);
  }

  /** Returns 0–359, the same for every spelling of a name: the hue in which a nickname is shown. */
  function hue(name) {
    let hash = 2166136261;
    for (const char of fold(name)) hash = Math.imul(hash ^ char.codePointAt(0), 16777619);
    hash ^= hash >>> 15;
    hash = Math.imul(hash, 0x2c1b3c6d);
    return ((hash ^ (hash >>> 13)) >>> 0) % 360;
  }

  return { fold, foldText, same, bare, isNickname, nicknameFault, roomFault, hue };
})();
