"use strict";

// Where the links in a text are; the terminal's links.py follows the same rule (tests/cases/links.json).

const Links = (() => {
  // An address ends before white space, angle brackets, quotation marks, backticks, characters that turn a text
  // around, and the full-width punctuation of Chinese and Japanese, whose sentences go on without a space.
  const ENDS = String.raw`\s<>"“”„‟«»‹›\u0060\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069`;
  const WIDE = String.raw`\u3001-\u3003\u3008-\u3011\u3014-\u301f\ufe10-\ufe19\ufe30-\ufe52`;
  const FULL = String.raw`\uff01-\uff0c\uff0e\uff0f\uff1a-\uff20\uff3b-\uff3d\uff5b-\uff64`;
  const LINK = new RegExp(String.raw`(?<![\p{L}\p{N}_])https?://(?=[\p{L}\p{N}_[])[^${ENDS}${WIDE}${FULL}]+`, "giu");
  // What may end a sentence, or stand there: these, and every punctuation mark that isn't ASCII. The asterisks are
  // Markdown's. Asking what stands in front lets the run be tried once, not from each of its characters.
  const END = String.raw`[.,;:!?'*)\]}]|(?!\p{ASCII})\p{P}`;
  const TAIL = new RegExp(`(?<!${END})(?:${END})+$`, "u");
  const OPENED_BY = { ")": "(", "]": "[", "}": "{" };
  // A text of nothing but links costs a page an element each; those beyond this number stay text.
  const MOST = 100;

  /** Returns the links of a text, first to last, as [start, end). */
  const find = (text) =>
    Array.from(text.matchAll(LINK), ({ 0: address, index }) => [index, index + trimmed(address).length]);

  /** Returns the parts of a text: strings, and {href, text} for each link in it. */
  function parts(text) {
    const found = [];
    let done = 0;
    for (const [start, end] of find(text).slice(0, MOST)) {
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
    const start = address.search(TAIL);
    if (start < 0) return address;
    let end = address.length;
    const surplus = {};
    for (; end > start; end -= 1) {
      const char = address[end - 1];
      if (!Object.hasOwn(OPENED_BY, char)) continue;
      surplus[char] ??= count(address, char) - count(address, OPENED_BY[char]);
      if (surplus[char] <= 0) break;
      surplus[char] -= 1;
    }
    return address.slice(0, end);
  }

  const count = (text, char) => text.split(char).length - 1;

  return { find, parts };
})();
