"""The two bars of the full terminal and its prompt: the view, the user and the state of the connection."""

from datetime import datetime

from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.utils import get_cwidth

from cli_client.chat.book import Book
from cli_client.chat.display import defuse_line
from cli_client.chat.views import View
from cli_client.library.connect import ConnectionState, ConnectionStatus
from cli_client.screen.cells import clip, part_emojis

NARROW = 60  # cells under which the nickname is left out


def topic_bar(view: View, width: int) -> StyleAndTextTuples:
    """Return the bar at the top: the view and its topic."""
    name = {"?": "search", "*": "welcome"}.get(view.target, view.target)
    text = f" {name}" + (f" │ {part_emojis(defuse_line(view.roster.topic))}" if view.roster.topic else "")
    return [("", clip(text, width))]


def status_bar(
    book: Book, connection: ConnectionStatus, unsent: int, below: int, now: datetime, width: int
) -> StyleAndTextTuples:
    """Return the bar above the prompt, cut to the screen: the connection first, since everything depends on it."""
    view = book.current
    parts: StyleAndTextTuples = [_connection(connection, unsent, now)]
    if width >= NARROW:
        parts.append(("", f" │ {book.nickname}"))
    if view.roster.count is not None:
        parts.append(("", f" │ {view.roster.count:,} member{'s' * (view.roster.count != 1)}"))
    if below:
        parts.append(("class:status.mention", f" │ ↓ {below:,} more"))
    parts += _unread(book)
    typists = [defuse_line(name) for name in view.roster.typists(now)]
    if typists:
        parts.append(("", f" │ {', '.join(typists[:3])} typing …"))
    return _fit(parts, width)


def _connection(connection: ConnectionStatus, unsent: int, now: datetime) -> tuple[str, str]:
    waiting = f", {unsent:,} unsent" if unsent else ""
    since = connection.since.astimezone(now.tzinfo)
    match connection.state:
        case ConnectionState.LIVE:
            return "class:status.live", f" ● live{waiting}"
        case ConnectionState.RECONNECTING:
            return "class:status.lost", f" ○ reconnecting since {since:%H:%M:%S}{waiting}"
        case ConnectionState.OFFLINE:
            return "class:status.lost", f" × offline: {defuse_line(connection.reason)}{waiting}"


def _unread(book: Book) -> StyleAndTextTuples:
    """Return the unread counts of the other views, each with the number that Alt and a digit jump to."""
    parts: StyleAndTextTuples = []
    for number, view in enumerate(book.views, 1):
        if view.attention.unread:
            style = "class:status.mention" if view.attention.mentions else "class:status.unread"
            sign = "!" if view.attention.mentions else ""
            parts.append((style, f" {number}:{view.target} +{view.attention.unread:,}{sign}"))
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
    first = clip(name, 20) + "› "
    if number or wraps:
        return [("", " " * get_cwidth(first))]
    return [("class:prompt", first)]
