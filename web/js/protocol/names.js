"use strict";

// What a nickname and a room may be, and when two are the same (PROTOCOL.md section 2).
// The server judges; this copy exists so that `/join Lobby` finds #lobby, and a typo is told before it is sent.

const Names = (() => {
  const ALLOWED = /^[\p{L}\p{M}\p{Nd}\-_.[\]{}^|]+$/u;
  const INVISIBLE = /\p{Default_Ignorable_Code_Point}/u;
  const RESERVED = new Set(["server", "system", "admin", "root", "operator"]);
  const NICKNAME_LENGTH = 32;
  const ROOM_LENGTH = 64;
  // Upper-casing would make a dotless i equal to i; Unicode's case folding keeps them apart.
  const DOTLESS_I = "\u0131";

  /**
   * Returns the form in which two spellings of one name are equal: NFKC, case folding, NFKC.
   * JavaScript has no case folding; lower(upper(lower(c))) of every code point makes the same names equal.
   */
  function fold(name) {
    let folded = "";
    for (const char of name.normalize("NFKC")) {
      folded += char === DOTLESS_I ? char : char.toLowerCase().toUpperCase().toLowerCase();
    }
    return folded.normalize("NFKC");
  }

  function fault(name, kind, most) {
    const compatible = name.normalize("NFKC");
    if (name === "") return `a ${kind} needs at least one character`;
    if (Math.max([...name].length, [...compatible].length) > most) return `a ${kind} has at most ${most} characters`;
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

  return { fold, same, bare, isNickname, nicknameFault, roomFault, hue };
})();
