"use strict";

// The table of keys that the help shows; the terminal's keys.py has its own (tests/cases/keys.json).

const Keys = (() => {
  const TABLE = [
    { keys: "Enter", does: "Send" },
    { keys: "Shift-Enter", does: "Begin a new line" },
    { keys: "Tab", does: "Complete a command, room or nickname; again: the next proposal" },
    { keys: "Shift-Tab", does: "Go back to the proposal before" },
    { keys: "Escape Tab", does: "Move the focus out of the input" },
    { keys: "Up, Down", does: "Bring back a line that you wrote before" },
    { keys: "PageUp, PageDown", does: "Scroll; at the top, earlier messages load" },
    { keys: "Alt-Up, Alt-Down", does: "Look at the room or conversation above or below" },
    { keys: "Escape", does: "Close what is open; if nothing is, go to the newest message" },
  ];

  return { TABLE };
})();
