"use strict";

// What the word under the caret may become: a command, a room or a nickname. Pure; the composer shows and applies it.

const Completion = (() => {
  const MOST = 8;
  // Asking what stands in front lets each word be tried once; without it, each character of a long word would be.
  const LAST_WORD = /(?<!\S)\S*$/u;

  /** Returns where the word begins that ends `before`, the text up to the caret. */
  const wordStart = (before) => before.search(LAST_WORD);

  /** Returns {from, to, options: [{text, label, detail}]}: `text` would replace [from, to) of the typed text. */
  function find(typed, caret, state) {
    const before = typed.slice(0, caret);
    const from = wordStart(before);
    const word = before.slice(from);
    const none = { from, to: caret, options: [] };
    if (from === 0 && word.startsWith("/")) return { ...none, options: commands(word.slice(1)) };
    if (word === "") return none;
    const named = /^\/(?:msg|nick)\s+$/u.test(before.slice(0, from));
    if (word.startsWith("#") || /^\/(?:join|users)\s/u.test(before)) return { ...none, options: rooms(word, state) };
    return { ...none, options: nicknames(word, state, from === 0, named) };
  }

  function commands(start) {
    return Commands.TABLE.filter(({ name }) => name.startsWith(start.toLowerCase()))
      .map(({ name, usage, help }) => ({ text: `/${name} `, label: `/${name} ${usage}`, detail: help }))
      .slice(0, Commands.TABLE.length);
  }

  function rooms(word, state) {
    const start = Names.fold(Names.bare(word));
    const sigil = word.startsWith("#") ? "#" : "";
    const own = Object.values(state.conversations)
      .filter((one) => one.kind === "room")
      .map((one) => one.name);
    const all = new Set([...own, ...state.directory.rooms.map(({ room }) => room)]);
    return [...all]
      .filter((name) => Names.fold(name).startsWith(start))
      .sort()
      .slice(0, MOST)
      .map((name) => ({ text: `${sigil}${name} `, label: `#${name}`, detail: "" }));
  }

  /** Those who spoke last come first: an answer is mostly to one of them. */
  function nicknames(word, state, atStart, bare) {
    const start = Names.fold(word.replace(/^@/u, ""));
    const conversation = state.conversations[state.current];
    if (conversation === undefined) return [];
    const spoke = conversation.timeline
      .slice(-200)
      .reverse()
      .filter((entry) => entry.kind === "message")
      .map((entry) => entry.nickname);
    const others = Object.values(state.conversations).flatMap((one) => (one.kind === "direct" ? [one.name] : []));
    const seen = new Set([Names.fold(state.nickname)]);
    const options = [];
    for (const name of [...spoke, ...Conversations.memberNames(conversation), ...others]) {
      const folded = Names.fold(name);
      if (seen.has(folded) || !folded.startsWith(start)) continue;
      seen.add(folded);
      options.push({ text: atStart && !bare ? `${name}: ` : `${name} `, label: name, detail: "" });
      if (options.length === MOST) break;
    }
    return options;
  }

  return { wordStart, find };
})();
