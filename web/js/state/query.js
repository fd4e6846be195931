"use strict";

// What a person writes into the search field, as the keys of a SEARCH packet (PROTOCOL.md section 4):
//   words from:alice in:room since:2026-10-01 before:2026-11-01
// `before:` is the protocol's `until`; its own `before` is an id and serves for paging.

const Query = (() => {
  const MOST = 100;

  class QueryError extends Error {}

  const KEYS = {
    from: (value) => ({ from: value }),
    in: (value) => ({ room: Names.bare(value) }),
    since: (value) => ({ since: instant(value) }),
    before: (value) => ({ until: instant(value) }),
    until: (value) => ({ until: instant(value) }),
  };

  /** A day means its first moment where the person is. Returns RFC 3339 in UTC. */
  function instant(text) {
    const day = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text);
    const date = day === null ? new Date(text) : new Date(Number(day[1]), Number(day[2]) - 1, Number(day[3]));
    const valid = day === null || (date.getMonth() === Number(day[2]) - 1 && date.getDate() === Number(day[3]));
    if (!/^\d{4}-\d\d-\d\d/.test(text) || Number.isNaN(date.getTime()) || !valid) {
      throw new QueryError(`“${text}” is no date; write it as 2026-11-01`);
    }
    return date.toISOString();
  }

  /** Returns {query, from?, room?, since?, until?}. Throws QueryError with a sentence for people. */
  function parse(text) {
    const words = [];
    let found = {};
    for (const word of text.split(/\s+/u).filter((part) => part !== "")) {
      const [, key, value] = /^([a-z]+):(.+)$/u.exec(word) ?? [];
      if (key !== undefined && Object.hasOwn(KEYS, key)) found = { ...found, ...KEYS[key](value) };
      else words.push(word);
    }
    const query = words.join(" ");
    if (query === "") throw new QueryError("Write at least one word to look for");
    if (Wire.length(query) > MOST) throw new QueryError(`The words have more than ${MOST} characters`);
    return { ...found, query };
  }

  return { QueryError, parse };
})();
