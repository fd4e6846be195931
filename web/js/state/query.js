"use strict";

// What a person writes into the search field, as the keys of a SEARCH packet (PROTOCOL.md section 4):
//   words from:alice in:room since:2026-10-01 before:2026-11-01
// `before:` is the protocol's `until`: exclusive; its own `before` is an id and serves for paging. The last filter of
// a kind counts. The terminal's query.py reads the same (tests/cases/queries.json).

const Query = (() => {
  const MOST = 100;
  const DATE = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?)?$/iu;

  class QueryError extends Error {}

  const KEYS = {
    from: (value) => ({ from: nickname(value) }),
    in: (value) => ({ room: room(value) }),
    since: (value, now) => ({ since: instant(value, now) }),
    after: (value, now) => ({ since: instant(value, now) }),
    before: (value, now) => ({ until: instant(value, now) }),
    until: (value, now) => ({ until: instant(value, now) }),
  };

  function nickname(value) {
    const name = value.replace(/^@/u, "");
    if (!Names.isNickname(name)) throw new QueryError(`from: ${Wording.isolated(value)} is no nickname`);
    return name;
  }

  function room(value) {
    if (Names.roomFault(value) !== null) throw new QueryError(`in: ${Wording.isolated(value)} is no room`);
    return Names.bare(value);
  }

  /** A day means its first moment where the person is; `now` in ms. Returns RFC 3339 in UTC. */
  function instant(text, now) {
    const days = { today: 0, yesterday: 1 }[text.toLowerCase()];
    if (days !== undefined) {
      const today = new Date(now);
      return new Date(today.getFullYear(), today.getMonth(), today.getDate() - days).toISOString();
    }
    const date = read(text);
    const example = written(new Date(now));
    if (date === null) throw new QueryError(`${Wording.isolated(text)} is no date; write it as ${example}`);
    return date.toISOString();
  }

  function read(text) {
    const found = DATE.exec(text);
    if (found === null) return null;
    const [year, month, day, hour, minute, second] = found.slice(1, 7).map((digits) => Number(digits ?? 0));
    const [fraction, zone] = found.slice(7);
    const offset = zone === undefined || zone.toUpperCase() === "Z" ? [0, 0] : zone.slice(1).split(":").map(Number);
    if (year === 0 || hour > 23 || minute > 59 || second > 59 || offset[0] > 23 || offset[1] > 59) return null;
    const clock = [year, month - 1, day, hour, minute, second, Math.floor(Number(fraction ?? 0) * 1_000)];
    const whole = new Date(Date.UTC(...clock));
    whole.setUTCFullYear(year); // Date.UTC takes 99 for 1999
    if (whole.getUTCMonth() !== month - 1 || whole.getUTCDate() !== day) return null;
    if (zone !== undefined) {
      const ahead = (offset[0] * 60 + offset[1]) * (zone.startsWith("-") ? -1 : 1);
      return new Date(whole.getTime() - ahead * 60_000);
    }
    const local = new Date(...clock);
    local.setFullYear(year);
    return local;
  }

  const written = (date) =>
    [date.getFullYear(), date.getMonth() + 1, date.getDate()].map((part) => String(part).padStart(2, "0")).join("-");

  /** Returns {query, from?, room?, since?, until?}; `now` in ms. Throws QueryError with a sentence for people. */
  function parse(text, now) {
    const words = [];
    let found = {};
    for (const word of text.split(/\s+/u).filter((part) => part !== "")) {
      const [, key, value] = /^([a-z]+):(.+)$/iu.exec(word) ?? [];
      const filter = key?.toLowerCase() ?? "";
      if (Object.hasOwn(KEYS, filter)) found = { ...found, ...KEYS[filter](value, now) };
      else words.push(word);
    }
    const query = words.join(" ");
    if (query === "") throw new QueryError("a search needs at least one word");
    if (Wire.length(query) > MOST) throw new QueryError(`a search has at most ${MOST} characters`);
    return { ...found, query };
  }

  return { QueryError, parse };
})();
