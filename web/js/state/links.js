"use strict";

// Where the links in a text are; the terminal's links.py follows the same rule (tests/cases/links.json).

const Links = (() => {
  const LINK = /(?<![\p{L}\p{N}_])https?:\/\/(?=[\p{L}\p{N}_[])[^\s<>"“”]+/giu;
  const ENDS_A_SENTENCE = ".,;:!?'’»…";
  const CLOSED_BY = { "(": ")", "[": "]", "{": "}" };

  /** Returns the links of a text, first to last, as [start, end). */
  const find = (text) =>
    Array.from(text.matchAll(LINK), ({ 0: address, index }) => [index, index + trimmed(address).length]);

  /** Returns the parts of a text: strings, and {href, text} for each link in it. */
  function parts(text) {
    const found = [];
    let done = 0;
    for (const [start, end] of find(text)) {
      const address = text.slice(start, end);
      if (!URL.canParse(address)) continue;
      if (start > done) found.push(text.slice(done, start));
      found.push({ href: new URL(address).href, text: address });
      done = end;
    }
    if (done < text.length) found.push(text.slice(done));
    return found;
  }

  /**
   * A full stop or a closing bracket at the end of an address belongs to the sentence, unless the bracket was opened
   * in the address.
   */
  function trimmed(address) {
    const surplus = { ")": 0, "]": 0, "}": 0 };
    for (const char of address) {
      if (Object.hasOwn(surplus, char)) surplus[char] += 1;
      else if (Object.hasOwn(CLOSED_BY, char)) surplus[CLOSED_BY[char]] -= 1;
    }
    let end = address.length;
    for (; end > 0; end -= 1) {
      const char = address[end - 1];
      if (ENDS_A_SENTENCE.includes(char)) continue;
      if (!(surplus[char] > 0)) break;
      surplus[char] -= 1;
    }
    return address.slice(0, end);
  }

  return { find, parts };
})();
