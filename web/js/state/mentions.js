"use strict";

// Whether a text speaks of somebody; the terminal's mentions.py follows the same rule (tests/cases/mentions.json).
// A mention is a whole name by the alphabet of names (PROTOCOL.md section 2), outside of links and code. A name of
// fewer than three characters is often a word, so only an `@` in front of it makes a mention.

const Mentions = (() => {
  const SHORT = 3; // characters; a name of fewer needs its `@`
  const MOST_UNITS = 16_384; // UTF-16 units of a text that are looked at: more than a message has (section 2)
  const CODE = /```[^]*?(?:```|$)|`[^`\n]+`/gu;
  const BLANK = "`"; // takes the place of code and links: it parts names, and is no space
  const RUN = /[\p{L}\p{M}\p{Nd}\-_.[\]{}^|]+/gu;
  const SENTENCE = ".-[]{}"; // signs of names that may belong to the sentence where they begin or end a run
  const ADDRESS = /[\p{L}\p{M}\p{Nd}\-_.[\]{}^|]@$/u;

  /** Returns whether a text mentions a nickname, in any spelling. */
  function has(message, nickname) {
    const text = message.slice(0, MOST_UNITS);
    const name = Names.fold(nickname);
    const spoken = Names.foldText(withoutLinks(text.replace(CODE, BLANK)));
    if (!spoken.includes(name)) return false;
    const isShort = Wire.length(nickname) < SHORT;
    for (const { 0: run, index } of spoken.matchAll(RUN)) {
      if (isWhole(run, name) && (!isShort || isCalled(spoken, index))) return true;
    }
    return false;
  }

  function withoutLinks(text) {
    const kept = [];
    let done = 0;
    for (const [start, end] of Links.find(text)) {
      kept.push(text.slice(done, start));
      done = end;
    }
    return [...kept, text.slice(done)].join(BLANK);
  }

  /** Whether a run of the alphabet's characters is the name, but for signs of the sentence around it. */
  function isWhole(run, name) {
    const [lead, core, trail] = parted(run);
    const [nameLead, nameCore, nameTrail] = parted(name);
    if (nameCore === "" || core !== nameCore) return run === name;
    return lead.endsWith(nameLead) && trail.startsWith(nameTrail);
  }

  function parted(run) {
    let start = 0;
    let end = run.length;
    while (start < end && SENTENCE.includes(run[start])) start += 1;
    while (end > start && SENTENCE.includes(run[end - 1])) end -= 1;
    return [run.slice(0, start), run.slice(start, end), run.slice(end)];
  }

  /** Whether an `@` stands before a run, and no name before the `@`, which would make an address. */
  const isCalled = (text, at) => text[at - 1] === "@" && !ADDRESS.test(text.slice(Math.max(0, at - 3), at));

  return { has };
})();
