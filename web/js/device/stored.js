"use strict";

// What comes out of the browser's storage may be older than this page, damaged, or written by something else. Each
// function returns a value of the shape that this page writes, or null (`drafts`: an empty object) where nothing can
// be saved of it.

const Stored = (() => {
  const object = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
  const list = (value, check) => (Array.isArray(value) ? value.filter(check) : []);
  const text = (value) => typeof value === "string";
  const isRoom = (value) => text(value) && Names.roomFault(value) === null;
  const isPerson = (value) => text(value) && Names.isNickname(value);
  const count = (value) => (Number.isSafeInteger(value) && value >= 0 ? value : 0);

  /** Returns an account (visit.js): without a person, a server and a token it is none, all else can be done without. */
  function account(value) {
    if (!object(value) || !text(value.url) || !text(value.token) || !isPerson(value.nickname)) return null;
    const { url, nickname, token } = value;
    const epoch = text(value.epoch) ? value.epoch : null;
    return {
      url,
      nickname,
      token,
      epoch,
      identity: text(value.identity) ? value.identity : `${nickname} since 0`,
      // A place in a log that isn't known is no place.
      after: epoch === null ? 0 : count(value.after),
      rooms: list(value.rooms, isRoom),
      directs: list(value.directs, isPerson),
      unread: unread(value.unread),
      current: text(value.current) ? value.current : null,
      signedOut: value.signedOut === true,
    };
  }

  function unread(value) {
    if (!object(value)) return {};
    const entries = Object.entries(value).filter(([, one]) => object(one));
    return Object.fromEntries(
      entries.map(([key, one]) => [
        key,
        { unread: count(one.unread), mentions: count(one.mentions), divider: count(one.divider) || null },
      ]),
    );
  }

  /** Returns where a tab was: {account, current, signedOut}, whatever of it is there; `account` is the key of one. */
  function place(value) {
    if (!object(value)) return {};
    const found = {};
    if (text(value.account)) found.account = value.account;
    if (text(value.current)) found.current = value.current;
    if (typeof value.signedOut === "boolean") found.signedOut = value.signedOut;
    return found;
  }

  /** Returns {identity, drafts: conversation key -> text}. */
  function drafts(value) {
    if (!object(value) || !object(value.drafts)) return { identity: null, drafts: {} };
    return {
      identity: value.identity,
      drafts: Object.fromEntries(Object.entries(value.drafts).filter(([, one]) => text(one))),
    };
  }

  /** Returns {url, nickname, identity, entries}: the messages that a tab left unsent. */
  function outbox(value) {
    if (!object(value) || !text(value.url) || !text(value.identity) || !Array.isArray(value.entries)) return null;
    // An older page didn't write the nickname; an identity begins with it.
    const nickname = text(value.nickname) ? value.nickname : value.identity.split(" since ")[0];
    return { url: value.url, nickname, identity: value.identity, entries: value.entries.filter(isEntry).map(entry) };
  }

  const isEntry = (value) =>
    object(value) && text(value.ref) && text(value.message) && (isRoom(value.room) || isPerson(value.to));

  function entry({ ref, room, to, message, action, at, state, attempted, reason }) {
    const target = isRoom(room) ? { room } : { to };
    const known = {
      ref,
      ...target,
      message,
      at: count(at),
      state: state === "failed" ? "failed" : "pending",
      sent: false,
      attempted: attempted === true,
      delay: 0,
      notBefore: 0,
    };
    const why = text(reason) ? { reason } : state === "failed" ? { reason: "It was refused." } : {};
    return { ...known, ...why, ...(action === true ? { action } : {}) };
  }

  return { account, place, drafts, outbox };
})();
