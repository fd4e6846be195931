"""The table of keys that /help shows; the page's keys.js has its own (tests/cases/keys.json)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    """One key, or several with one meaning."""

    keys: str
    does: str


KEYS: tuple[Key, ...] = (
    Key("Enter", "Send"),
    Key("Alt-Enter", "Begin a new line"),
    Key("Tab", "Complete a command, room or nickname; again: the next proposal"),
    Key("Shift-Tab", "Go back to the proposal before"),
    Key("Up, Down", "Bring back a line that you wrote before"),
    Key("PageUp, PageDown", "Scroll; at the top, earlier messages load"),
    Key("Alt-Up, Alt-Down", "Look at the room or conversation above or below"),
    Key("Escape", "Close what is open; if nothing is, go to the newest message"),
    Key("Alt-1 … Alt-9", "Look at the room or conversation with this number"),
    Key("Alt-A", "Look at the next room or conversation with unread messages"),
    Key("Alt-Left, Alt-Right", "Look at the room or conversation above or below"),
    Key("Ctrl-P, Ctrl-N", "Look at the room or conversation above or below"),
    Key("Ctrl-Up, Ctrl-Down", "Scroll by one line"),
    Key("Ctrl-End", "Go to the newest message"),
    Key("Ctrl-L", "Draw the screen anew"),
    Key("Ctrl-Z", "Suspend the program"),
    Key("Ctrl-C", "Empty the input; twice on an empty one, leave the chat"),
    Key("Ctrl-D", "On an empty input, leave the chat"),
)
