"""How many colours a terminal has, and the styles for it.

Names, times and facts are readable on black and on white (contrast 4.5:1 on white, 3.8:1 on black); of 256 colours
there is each one. A terminal of 16 lets its theme choose them, so there the dim parts have the usual colour: what is
called bright black is the background's colour in some themes.
"""

import contextlib
from collections.abc import Mapping

from prompt_toolkit.output import ColorDepth

TRUE_COLOUR = ("truecolor", "24bit")  # what COLORTERM says

NICK_COLOURS = (
    "#af5f5f",
    "#005fff",
    "#008700",
    "#af00ff",
    "#af5f00",
    "#00875f",
    "#d700af",
    "#875f87",
    "#5f5fff",
    "#d70000",
    "#875fd7",
    "#d7005f",
)
NICK_COLOURS_OF_A_THEME = ("ansired", "ansiblue", "ansigreen", "ansimagenta", "ansiyellow", "ansicyan") * 2
GREY = "#767676"
STYLE = {
    "time": GREY,
    "bar": GREY,
    "dim": GREY,
    "day": GREY,
    "new": "ansiyellow",
    "info": "ansicyan",
    "error": "ansired",
    "notice": "ansiyellow bold",
    "action": "italic",
    "pending": f"{GREY} italic",
    "failed": "ansired",
    "mention": "bold ansiyellow",
    "link": "underline",
    "me": "bold",
    "number": "bold",
    "top": "bg:#303030 #e4e4e4 bold",
    "status": "bg:#303030 #e4e4e4",
    "status.live": "#87d787",
    "status.lost": "#ffaf5f bold",
    "status.unread": "#87d7ff",
    "status.mention": "#ffd75f bold",
    "prompt": "bold",
    "completion-menu": "bg:#303030 #e4e4e4",
    "completion-menu.completion.current": "bg:#5f87af #ffffff",
    "completion-menu.meta.completion": "bg:#444444 #bcbcbc",
    "completion-menu.meta.completion.current": "bg:#5f87af #ffffff",
    **{f"nick{number}": colour for number, colour in enumerate(NICK_COLOURS)},
}
# Without colours the bars stand out by being reversed.
STYLE_MONOCHROME = STYLE | {"top": "reverse bold", "status": "reverse"}
STYLE_OF_A_THEME = STYLE_MONOCHROME | {
    **dict.fromkeys(("time", "bar", "dim", "day", "status.live", "status.unread"), ""),
    **dict.fromkeys(("status.lost", "status.mention"), "bold"),
    "pending": "italic",
    **{f"nick{number}": colour for number, colour in enumerate(NICK_COLOURS_OF_A_THEME)},
}


def colour_depth(environ: Mapping[str, str], colours: int | None) -> ColorDepth | None:
    """Return how many colours to use; None: nothing tells.

    What the person wishes comes first (NO_COLOR, PROMPT_TOOLKIT_COLOR_DEPTH), then what the terminal says of itself.

    Args:
        colours: the number in the terminal's description; None: there is no description.
    """
    depth = ColorDepth.from_env()
    if depth is not None:
        return depth
    if environ.get("COLORTERM", "").lower() in TRUE_COLOUR:
        return ColorDepth.DEPTH_24_BIT
    if colours is None:
        return None
    if colours < 8:
        return ColorDepth.DEPTH_1_BIT
    if colours < 256:
        return ColorDepth.DEPTH_4_BIT
    return ColorDepth.DEPTH_8_BIT if colours < 2**24 else ColorDepth.DEPTH_24_BIT


def described_colours() -> int | None:
    """Return the number of colours in the terminal's description (terminfo), None if there is no description."""
    with contextlib.suppress(ImportError):  # Windows
        import curses

        with contextlib.suppress(curses.error):
            curses.setupterm(fd=1)
            return curses.tigetnum("colors")
    return None


def style_of(depth: ColorDepth | None) -> dict[str, str]:
    """Return the style for a terminal with this many colours."""
    if depth is ColorDepth.DEPTH_1_BIT:
        return STYLE_MONOCHROME
    return STYLE_OF_A_THEME if depth is ColorDepth.DEPTH_4_BIT else STYLE
