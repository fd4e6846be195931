"""The two bars of the full terminal and its prompt: the view, the user and the state of the connection."""

from datetime import datetime

from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.utils import get_cwidth

from cli_client.chat.book import Book
from cli_client.chat.display import defuse_line, isolate
from cli_client.chat.views import View
from cli_client.library.connect import ConnectionState, ConnectionStatus
from cli_client.screen.cells import clip, part_emojis

REASON_MAX = 200  # characters; the row is cut to the screen
NARROW = 60  # cells under which the nickname is left out


def topic_bar(view: View, width: int) -> StyleAndTextTuples:
    """Return the bar at the top: the view and its topic."""
    name = {"?": "search", "*": "welcome"}.get(view.target, view.target)
    text = f" {isolate(name)}" + (f" │ {part_emojis(defuse_line(view.roster.topic))}" if view.roster.topic else "")
    return [("", clip(text, width))]


def status_bar(
    book: Book,
    connection: ConnectionStatus,
    unsent: int,
    below: int,
    now: datetime,
    width: int,
    *,
    unanswered: float = 0.0,
    hint: str = "",
) -> StyleAndTextTuples:
    """Return the bar above the prompt, cut to the screen: the connection first, since everything depends on it.

    Args:
        unsent: the number of our messages that are on their way.
        below: the number of lines below the screen.
        unanswered: the seconds of the server's silence.
        hint: what a key would do now.
    """
    view = book.current
    parts: StyleAndTextTuples = [_connection(connection, unsent, unanswered, now)]
    if hint:
        parts.append(("class:status.mention", f" │ {hint}"))
    if width >= NARROW:
        parts.append(("", f" │ {isolate(book.nickname)}"))
    if view.roster.count is not None:
        parts.append(("", f" │ {view.roster.count:,} member{'s' * (view.roster.count != 1)}"))
    if below:
        parts.append(("class:status.mention", f" │ ↓ {below:,} more"))
    parts += _unread(book)
    typists = [isolate(name) for name in view.roster.typists(now)]
    if typists:
        parts.append(("", f" │ {', '.join(typists[:3])} typing …"))
    return _fit(parts, width)


def _connection(connection: ConnectionStatus, unsent: int, unanswered: float, now: datetime) -> tuple[str, str]:
    waiting = f", {unsent:,} unsent" if unsent else ""
    since = connection.since.astimezone(now.tzinfo)
    match connection.state:
        case ConnectionState.LIVE if unanswered:
            return "class:status.lost", f" ○ no answer for {unanswered:.0f} s{waiting}"
        case ConnectionState.LIVE:
            return "class:status.live", f" ● live{waiting}"
        case ConnectionState.RECONNECTING:
            return "class:status.lost", f" ○ reconnecting since {since:%H:%M:%S}{waiting}"
        case ConnectionState.OFFLINE:
            return "class:status.lost", f" × offline: {defuse_line(connection.reason[:REASON_MAX])}{waiting}"


def _unread(book: Book) -> StyleAndTextTuples:
    """Return what the other views have for the person: unread messages, and messages that were not sent.

    Each has the number that Alt and a digit jump to.
    """
    parts: StyleAndTextTuples = []
    for number, view in enumerate(book.views, 1):
        if view.attention.unread:
            style = "class:status.mention" if view.attention.mentions else "class:status.unread"
            sign = "!" if view.attention.mentions else ""
            parts.append((style, f" {number}:{isolate(view.target)} +{view.attention.unread:,}{sign}"))
        if view.failed and view is not book.current:
            where = "" if view.attention.unread else f" {number}:{isolate(view.target)}"
            parts.append(("class:status.lost", f"{where} ×{view.failed:,} not sent"))
    return [("", " │"), *parts] if parts else []


def _fit(parts: StyleAndTextTuples, width: int) -> StyleAndTextTuples:
    fitted: StyleAndTextTuples = []
    for style, text, *_ in parts:
        text = clip(text, width)
        width -= get_cwidth(text)
        fitted.append((style, text))
    return fitted


def input_prompt(book: Book, number: int, wraps: int) -> StyleAndTextTuples:
    """Return the text before a row of the input: row `wraps` of line `number`."""
    name = {"?": "hit", "*": ""}.get(book.current.target, book.current.target)
    first = isolate(clip(name, 20)) + "› "
    if number or wraps:
        return [("", " " * get_cwidth(first))]
    return [("class:prompt", first)]
