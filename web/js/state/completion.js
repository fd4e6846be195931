"use strict";

// What the word under the caret may become: a command, a room or a nickname. Pure; the composer shows and applies it.
// The terminal's completion.py proposes the same (tests/cases/completion.json).

const Completion = (() => {
  const MOST = 20; // of rooms or people; more are found sooner by one more letter
  const SPOKE_ENTRIES = 200; // of a timeline's end, searched for who spoke there
  // Asking what stands in front lets each word be tried once; without it, each character of a long word would be.
  const LAST_WORD = /(?<!\S)\S*$/u;

  /** Returns where the word begins that ends `before`, the text up to the caret. */
  const wordStart = (before) => before.search(LAST_WORD);

  /** Returns {from, to, options: [{text, label, detail}]}: `text` would replace [from, to) of the typed text. */
  function find(typed, caret, state) {
    const before = typed.slice(0, caret);
    return { from: wordStart(before), to: caret, options: propose(before, known(state)) };
  }

  /** Returns whom and what the person may mean. */
  function known(state) {
    const all = Conversations.ordered(state.conversations);
    const conversation = state.conversations[state.current] ?? null;
    return {
      nickname: state.nickname,
      rooms: all.filter((one) => one.kind === "room").map((one) => one.name),
      listed: state.directory.rooms.map(({ room }) => room),
      spoke: (conversation?.timeline ?? [])
        .slice(-SPOKE_ENTRIES)
        .filter((entry) => entry.kind === "message")
        .map((entry) => entry.nickname)
        .reverse(),
      members: conversation === null ? [] : Conversations.memberNames(conversation),
      directs: all.filter((one) => one.kind === "direct").map((one) => one.name),
    };
  }

  /**
   * Returns the proposals for the word that ends `before`. `known`: the rooms that the person is in, and those that
   * the server listed; who spoke here, latest first; the members of this room; with whom the person talks directly.
   */
  function propose(before, known) {
    const start = wordStart(before);
    const word = before.slice(start);
    if (start === 0 && word.startsWith("/")) return commands(word.slice(1));
    if (word === "") return [];
    const rooms = [...known.rooms, ...known.listed];
    switch (argument(before.slice(0, start))) {
      case Commands.COMMAND:
        return commandNames(word);
      case Commands.OWN_ROOM:
        return matchingRooms(word, known.rooms);
      case Commands.ANY_ROOM:
        return matchingRooms(word, rooms);
      case Commands.OPEN:
        return [
          ...(word.startsWith("@") ? [] : matchingRooms(word, known.rooms)),
          ...people(word, known.directs, known),
        ];
    }
    if (word.startsWith("#")) return matchingRooms(word, rooms);
    const members = [...known.members].sort(byFold);
    const after = start === 0 && !word.startsWith("@") ? ": " : " ";
    return people(word, [...known.spoke, ...members, ...known.directs], known, after);
  }

  /** What the next word is of the command that begins a line. */
  function argument(before) {
    const [name, ...words] = before.split(/\s+/u).filter(Boolean);
    const command = name?.startsWith("/") ? Commands.find(name.slice(1)) : null;
    const isNext = words.length === 0 || command?.takes === Commands.ANY_ROOM;
    return isNext ? command?.takes : undefined;
  }

  function commands(begun) {
    return Commands.TABLE.filter(({ name }) => name.startsWith(begun.toLowerCase())).map((command) => ({
      text: command.usage === "" ? `/${command.name}` : `/${command.name} `,
      label: Commands.synopsis(command),
      detail: command.help,
    }));
  }

  function commandNames(word) {
    const slash = word.startsWith("/") ? "/" : "";
    const begun = word.slice(slash.length).toLowerCase();
    return Commands.TABLE.filter(({ name }) => name.startsWith(begun)).map(({ name, help }) => ({
      text: `${slash}${name} `,
      label: `/${name}`,
      detail: help,
    }));
  }

  /** Proposes rooms by name, with a `#` if the word has one. */
  function matchingRooms(word, rooms) {
    const sign = word.startsWith("#") ? "#" : "";
    return matching(word.slice(sign.length), rooms)
      .sort(byFold)
      .slice(0, MOST)
      .map((name) => ({ text: `${sign}${name} `, label: `#${name}`, detail: "" }));
  }

  /** Proposes people in the given order, each once and never oneself, with an `@` if the word has one. */
  function people(word, names, { nickname }, after = " ") {
    const sign = word.startsWith("@") ? "@" : "";
    return matching(word.slice(sign.length), names)
      .filter((name) => !Names.same(name, nickname))
      .slice(0, MOST)
      .map((name) => ({ text: `${sign}${name}${after}`, label: name, detail: "" }));
  }

  /** The names that begin so, each once. */
  function matching(begun, names) {
    const start = Names.fold(begun);
    const found = new Map();
    for (const name of names) {
      const folded = Names.fold(name);
      if (folded.startsWith(start) && !found.has(folded)) found.set(folded, name);
    }
    return [...found.values()];
  }

  function byFold(one, other) {
    const [left, right] = [Names.fold(one), Names.fold(other)];
    return left < right ? -1 : Number(left > right);
  }

  return { wordStart, find, propose };
})();
