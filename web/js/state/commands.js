"use strict";

// What can be typed with a slash: a table. `run(rest, state)` returns the events that do it; `least` is the number of
// words it needs, checked in one place; `rest` is all after the command's name.

const Commands = (() => {
  /** The person's slip, as a sentence for them. */
  class CommandError extends Error {}

  const current = (state) => state.conversations[state.current] ?? null;
  const words = (rest) => rest.split(/\s+/u).filter((word) => word !== "");
  const request = (packet, purpose = {}) => [{ type: "request", packet, purpose }];

  function room(name) {
    const why = Names.roomFault(name);
    if (why !== null) throw new CommandError(why);
    return Names.bare(name);
  }

  function currentRoom(state) {
    const conversation = current(state);
    if (conversation?.kind !== "room") throw new CommandError("This works in a room");
    return conversation.name;
  }

  const TABLE = [
    {
      name: "join",
      usage: "room …",
      least: 1,
      help: "Enter a room; it is made if there is none",
      run: (rest) =>
        words(rest).flatMap((name) =>
          request({ type: "JOIN", room: room(name) }, { what: "join", key: Conversations.roomKey(name) }),
        ),
    },
    {
      name: "leave",
      usage: "[reason]",
      least: 0,
      help: "Leave this room, or close these direct messages",
      run(rest, state) {
        const conversation = current(state);
        if (conversation === null) throw new CommandError("There is no room to leave");
        if (rest === "" || conversation.kind !== "room")
          return [{ type: "leaveConversation", key: conversation.key }];
        return request({ type: "LEAVE", room: conversation.name, message: rest }, { what: "leave" });
      },
    },
    {
      name: "msg",
      usage: "nickname [text]",
      least: 1,
      help: "Write to one person alone",
      run(rest) {
        const [, nickname, text] = /^(\S+)\s*([^]*)$/u.exec(rest);
        const why = Names.nicknameFault(nickname);
        if (why !== null) throw new CommandError(why);
        const open = { type: "direct", nickname };
        return text === "" ? [open] : [open, { type: "say", text, key: Conversations.directKey(nickname) }];
      },
    },
    {
      name: "me",
      usage: "text",
      least: 1,
      help: "Say what you do: /me waves",
      run: (rest) => [{ type: "say", text: rest, action: true }],
    },
    {
      name: "nick",
      usage: "nickname",
      least: 1,
      help: "Take another nickname",
      run(rest) {
        const why = Names.nicknameFault(rest);
        if (why !== null) throw new CommandError(why);
        return request({ type: "NICK", nickname: rest }, { what: "rename" });
      },
    },
    {
      name: "topic",
      usage: "[text | -]",
      least: 0,
      help: "Show, set or (with -) clear the room's topic",
      run(rest, state) {
        const name = currentRoom(state);
        if (rest === "")
          return [
            {
              type: "note",
              text: current(state).topic === "" ? "No topic is set" : `Topic: ${current(state).topic}`,
            },
          ];
        if (Wire.length(rest) > state.hello.limits.topic)
          throw new CommandError(`A topic has at most ${state.hello.limits.topic} characters`);
        return request({ type: "TOPIC", room: name, topic: rest === "-" ? "" : rest });
      },
    },
    {
      name: "users",
      usage: "[room]",
      least: 0,
      help: "Show who is here, or in another room",
      run(rest, state) {
        if (rest !== "") return request({ type: "USERS", room: room(rest) }, { what: "users-note" });
        currentRoom(state);
        return [{ type: "panel", panel: "members", open: true }];
      },
    },
    {
      name: "rooms",
      usage: "",
      least: 0,
      help: "Show all rooms that have somebody in them",
      run: () => [{ type: "panel", panel: "browse", open: true }],
    },
    {
      name: "history",
      usage: "",
      least: 0,
      help: "Load earlier messages",
      run(rest, state) {
        const gap = current(state)?.timeline.findLast((entry) => entry.kind === "gap");
        if (gap === undefined) return [{ type: "note", text: "This is all there is" }];
        return [{ type: "fill", key: state.current, gap, side: "before" }];
      },
    },
    {
      name: "search",
      usage: "words [from:nickname] [in:room] [since:date] [before:date]",
      least: 1,
      help: "Find messages that hold all the words",
      run(rest) {
        try {
          return [{ type: "search", search: Query.parse(rest), text: rest, open: true }];
        } catch (fault) {
          if (fault instanceof Query.QueryError) throw new CommandError(fault.message);
          throw fault;
        }
      },
    },
    {
      name: "export",
      usage: "",
      least: 0,
      help: "Download all that you may see, as JSON Lines",
      run: () => [{ type: "export" }],
    },
    {
      name: "help",
      usage: "",
      least: 0,
      help: "Show these commands and the keys",
      run: () => [{ type: "panel", panel: "help", open: true }],
    },
    {
      name: "quit",
      usage: "[message]",
      least: 0,
      help: "Sign out; what is unsent stays on this device",
      run: (rest) => [{ type: "quit", message: rest === "" ? undefined : rest }],
    },
  ];

  const BY_NAME = Object.fromEntries(TABLE.map((command) => [command.name, command]));

  /**
   * Returns the events that a typed text means: a command, or something to say (a text that shall start with a
   * slash is written with two). Throws CommandError with a sentence for the person; the text should then stay
   * in the input.
   */
  function read(typed, state) {
    const cleaned = Wire.clean(typed);
    const text = cleaned.trim();
    if (text === "") return [];
    const [, name, rest] = /^\/([a-z]+)(?:\s+([^]*))?$/iu.exec(text) ?? [];
    if (name === undefined) {
      if (/^\/[^/\s]*$/u.test(text)) throw new CommandError(`There is no command ${text}; /help shows them`);
      return checked([{ type: "say", text: said(cleaned) }], state);
    }
    const command = Object.hasOwn(BY_NAME, name.toLowerCase()) ? BY_NAME[name.toLowerCase()] : null;
    if (command === null) throw new CommandError(`There is no command /${name}; /help shows them`);
    const argument = (rest ?? "").trim();
    if (words(argument).length < command.least) throw new CommandError(`Usage: /${command.name} ${command.usage}`);
    return checked(command.run(argument, state), state);
  }

  /** What is to be said of a text. Its first line stays indented: it may come out of a program. */
  function said(typed) {
    const text = typed.replace(/^(?:[^\S\n]*\n)+/u, "").trimEnd();
    return text.startsWith("//") ? text.slice(1) : text;
  }

  /** What can't be done stays in the input, so it is found out before anything is done. */
  function checked(events, state) {
    for (const event of events) {
      if (event.type === "say") checkSaid(event, state);
      if (event.type === "request" && !State.isLive(state))
        throw new CommandError("There is no connection; try again once there is one");
    }
    return events;
  }

  function checkSaid({ text, key }, state) {
    const most = state.hello.limits.message;
    const length = Wire.length(text);
    if (length > most) throw new CommandError(`That is ${length} characters; a message has at most ${most}`);
    if (key === undefined && current(state) === null) throw new CommandError("Join a room first: /join lobby");
  }

  return { CommandError, TABLE, read };
})();
