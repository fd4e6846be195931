"""The two bars of the full terminal and its prompt: where we are, who we are, and how the link is."""

from datetime import datetime

from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.utils import get_cwidth

from cli_client.chat.session import Session
from cli_client.chat.views import View
from cli_client.library.connect import LinkState, LinkStatus
from cli_client.library.text import defuse_line, part_emojis
from cli_client.screen.cells import clip

NARROW = 60  # cells under which the status has only what changes


def topic_bar(view: View, width: int) -> StyleAndTextTuples:
    """Return the bar at the top: the view and its topic."""
    name = {"?": "search", "*": "welcome"}.get(view.target, view.target)
    text = f" {name}" + (f" │ {part_emojis(defuse_line(view.topic))}" if view.topic else "")
    return [("", clip(text, width))]


def status_bar(
    session: Session, link: LinkStatus, unsent: int, below: int, now: datetime, width: int
) -> StyleAndTextTuples:
    """Return the bar above the prompt, cut to the screen: the link first, since everything hangs on it."""
    view = session.current
    parts: StyleAndTextTuples = [_link(link, unsent, now)]
    if width >= NARROW:
        parts.append(("", f" │ {session.nickname}"))
    if view.count is not None:
        parts.append(("", f" │ {view.count:,} member{'s' * (view.count != 1)}"))
    if below:
        parts.append(("class:status.mention", f" │ ↓ {below:,} more"))
    parts += _unread(session)
    typists = [defuse_line(name) for name in view.typists(now)]
    if typists:
        parts.append(("", f" │ {', '.join(typists[:3])} typing …"))
    return _fit(parts, width)


def _link(link: LinkStatus, unsent: int, now: datetime) -> tuple[str, str]:
    waiting = f", {unsent:,} unsent" if unsent else ""
    since = link.since.astimezone(now.tzinfo)
    match link.state:
        case LinkState.LIVE:
            return "class:status.live", f" ● live{waiting}"
        case LinkState.RECONNECTING:
            return "class:status.lost", f" ○ reconnecting since {since:%H:%M:%S}{waiting}"
        case LinkState.OFFLINE:
            return "class:status.lost", f" × offline: {defuse_line(link.reason)}{waiting}"


def _unread(session: Session) -> StyleAndTextTuples:
    """Return what is unread elsewhere, with the number that Alt and a digit jump to."""
    parts: StyleAndTextTuples = []
    for number, view in enumerate(session.views, 1):
        if view.unread:
            style = "class:status.mention" if view.mentions else "class:status.unread"
            sign = "!" if view.mentions else ""
            parts.append((style, f" {number}:{view.target} +{view.unread:,}{sign}"))
    return [("", " │"), *parts] if parts else []


def _fit(parts: StyleAndTextTuples, width: int) -> StyleAndTextTuples:
    fitted: StyleAndTextTuples = []
    for style, text, *_ in parts:
        text = clip(text, width)
        width -= get_cwidth(text)
        fitted.append((style, text))
    return fitted


def input_prompt(session: Session, number: int, wraps: int) -> StyleAndTextTuples:
    """Return what stands before a row of the input; `number` is its line, `wraps` how often that was cut."""
    name = {"?": "hit", "*": ""}.get(session.current.target, session.current.target)
    first = clip(name, 20) + "› "
    if number or wraps:
        return [("", " " * get_cwidth(first))]
    return [("class:prompt", first)]
