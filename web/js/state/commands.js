"use strict";

// The table of commands, and what a typed text is: a command or something to say. The terminal's commands.py has the
// same table and reads the same (tests/cases/commands.json, typed.json).
//
// `usage` is what follows the name, `least` how many words must; `takes`: what the first word is, for its completion.

const Commands = (() => {
  const CommandError = Handlers.CommandError;

  const OWN_ROOM = "own room"; // one that the user is in
  const ANY_ROOM = "any room"; // and so are all further words
  const OPEN = "open"; // a room or conversation that is open
  const COMMAND = "command";

  const TABLE = [
    {
      name: "join",
      aliases: ["j"],
      usage: "ROOM, …",
      least: 1,
      help: "Enter a room; it is made if there is none",
      example: "/join dev",
      takes: ANY_ROOM,
      run: Handlers.join,
    },
    {
      name: "leave",
      aliases: ["part"],
      usage: "[ROOM] [REASON]",
      least: 0,
      help: "Leave a room, or close a conversation",
      example: "/leave #dev see you tomorrow",
      takes: OWN_ROOM,
      run: Handlers.leave,
    },
    {
      name: "msg",
      aliases: ["query", "w", "whisper"],
      usage: "NICKNAME [TEXT]",
      least: 1,
      help: "Write to one person alone",
      example: "/msg bob lunch?",
      run: Handlers.msg,
    },
    {
      name: "me",
      usage: "TEXT",
      least: 1,
      help: "Say what you do",
      example: "/me waves",
      run: Handlers.me,
    },
    {
      name: "nick",
      usage: "NICKNAME",
      least: 1,
      help: "Take another nickname",
      example: "/nick alice-2",
      run: Handlers.nick,
    },
    {
      name: "topic",
      usage: "[TEXT]",
      least: 0,
      help: "Show or set the topic of the room; - clears it",
      example: "/topic Release on Friday",
      run: Handlers.topic,
    },
    {
      name: "users",
      aliases: ["names", "who"],
      usage: "[ROOM]",
      least: 0,
      help: "List the members of a room",
      example: "/users dev",
      takes: ANY_ROOM,
      run: Handlers.users,
    },
    {
      name: "rooms",
      aliases: ["list"],
      usage: "",
      least: 0,
      help: "List the rooms that have members",
      example: "/rooms",
      run: Handlers.rooms,
    },
    {
      name: "history",
      usage: "[NUMBER]",
      least: 0,
      help: "Show earlier messages; in a pipe, list the last NUMBER",
      example: "/history",
      run: Handlers.history,
    },
    {
      name: "search",
      aliases: ["find"],
      usage: "WORDS",
      least: 1,
      help: "Find messages that hold all the words; from:NICKNAME in:ROOM since:DATE before:DATE narrow it down",
      example: "/search release from:bob since:2026-11-01",
      run: Handlers.search,
    },
    {
      name: "more",
      usage: "",
      least: 0,
      help: "Show older hits of the search",
      example: "/more",
      run: Handlers.more,
    },
    {
      name: "context",
      aliases: ["c"],
      usage: "NUMBER",
      least: 1,
      help: "Show the messages around a hit",
      example: "/context 2",
      run: Handlers.context,
    },
    {
      name: "export",
      usage: "[FILE]",
      least: 0,
      help: "Save every message that you may see, as JSON Lines",
      example: "/export chat.jsonl",
      run: Handlers.export,
    },
    {
      name: "switch",
      aliases: ["s", "go"],
      usage: "[WHERE]",
      least: 0,
      help: "Look at another room or conversation, or list them",
      example: "/switch dev",
      takes: OPEN,
      run: Handlers.switch,
    },
    {
      name: "close",
      usage: "",
      least: 0,
      help: "Close the conversation that is shown, or leave the room",
      example: "/close",
      run: Handlers.close,
    },
    {
      name: "retry",
      usage: "",
      least: 0,
      help: "Send the failed messages shown here again",
      example: "/retry",
      run: Handlers.retry,
    },
    {
      name: "drop",
      usage: "",
      least: 0,
      help: "Discard the failed messages shown here",
      example: "/drop",
      run: Handlers.drop,
    },
    {
      name: "help",
      aliases: ["h", "?"],
      usage: "[COMMAND]",
      least: 0,
      help: "Explain the commands and keys",
      example: "/help search",
      takes: COMMAND,
      run: help,
    },
    {
      name: "quit",
      aliases: ["exit", "q", "bye"],
      usage: "[MESSAGE]",
      least: 0,
      help: "Leave the chat; unsent messages are kept",
      example: "/quit good night",
      run: Handlers.quit,
    },
  ];

  const BY_NAME = Object.fromEntries(
    TABLE.flatMap((command) => [command.name, ...(command.aliases ?? [])].map((name) => [name, command])),
  );

  /** Returns the command with this name or alias, or null. */
  const find = (name) => (Object.hasOwn(BY_NAME, name.toLowerCase()) ? BY_NAME[name.toLowerCase()] : null);

  const synopsis = ({ name, usage }) => `/${name} ${usage}`.trim();

  function help(rest) {
    if (rest === "") return [{ type: "panel", panel: "help", open: true }];
    const name = rest.replace(/^\//u, "");
    const command = find(name);
    if (command === null) throw new CommandError(`there is no command /${Wording.isolated(name)}; /help lists them`);
    const aliases = (command.aliases ?? []).map((alias) => `/${alias}`).join(", ");
    const also = aliases === "" ? "" : ` (also ${aliases})`;
    const example = command.usage === "" ? "" : `, as in ${command.example}`;
    return Handlers.note(`${synopsis(command)}: ${command.help}${example}${also}`);
  }

  /**
   * Returns {command, rest} if a typed text names a command, else {text}: what it says. A first word of a slash and
   * letters, digits or `-` is a command or a slip, and never sent; one with a further slash is text. Two slashes
   * stand for one. Throws CommandError.
   */
  function read(typed) {
    const cleaned = Wire.clean(typed);
    const [, word, others] = /^\s*(\S*)([^]*)$/u.exec(cleaned);
    const command = word.startsWith("/") ? find(word.slice(1)) : null;
    if (command === null && !/^\/[\p{L}\p{M}\p{Nd}-]*$/u.test(word)) return { text: said(cleaned) };
    if (command === null)
      throw new CommandError(
        `there is no command ${Wording.isolated(word)}; /help lists them, // sends a text that begins with /`,
      );
    const rest = others.trim();
    if (rest.split(/\s+/u).filter(Boolean).length < command.least)
      throw new CommandError(`usage: ${synopsis(command)}`);
    return { command, rest };
  }

  /** What a text says. Its first line stays indented: it may come out of a program. */
  function said(typed) {
    const text = typed.replace(/^(?:[^\S\n]*\n)+/u, "").trimEnd();
    return text.startsWith("//") ? text.slice(1) : text;
  }

  /**
   * Returns the events that do what was typed; `now` in ms. Throws CommandError with a sentence for the person; the
   * text should then stay in the input.
   */
  function events(typed, state, now) {
    const { command, rest, text } = read(typed);
    if (command !== undefined) return checked(command.run(rest, state, now), state);
    return text === "" ? [] : checked([{ type: "say", text }], state);
  }

  /** What can't be done stays in the input, so it is found out before anything is done. */
  function checked(wanted, state) {
    for (const event of wanted) {
      if (event.type === "say") checkSaid(event, state);
      if (event.type === "request" && !State.isLive(state))
        throw new CommandError("there is no connection; try again once there is one");
    }
    return wanted;
  }

  function checkSaid({ text, key }, state) {
    const most = state.hello.limits.message;
    const length = Wire.length(text);
    if (length > most)
      throw new CommandError(`a message has 1 to ${grouped(most)} characters, not ${grouped(length)}`);
    if (key === undefined && (state.conversations[state.current] ?? null) === null)
      throw new CommandError(Handlers.NOWHERE);
  }

  const grouped = (number) => number.toLocaleString("en");

  return { CommandError, OWN_ROOM, ANY_ROOM, OPEN, COMMAND, TABLE, find, synopsis, read, events };
})();
