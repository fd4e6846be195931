"""The words and filters of /search."""

from datetime import UTC, datetime

import pytest

from cli_client.chat.session import ChatSession
from tests.cli_client.chat.sessions import NOW, ZONE


@pytest.mark.parametrize(
    ("typed", "when"),
    [
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=ZONE)),
        ("2026-11-01T10:30", datetime(2026, 11, 1, 10, 30, tzinfo=ZONE)),
        ("2026-11-01T10:30Z", datetime(2026, 11, 1, 10, 30, tzinfo=UTC)),
        ("today", datetime(2026, 11, 22, tzinfo=ZONE)),
        ("yesterday", datetime(2026, 11, 21, tzinfo=ZONE)),
    ],
)
def test_dates_are_in_the_persons_zone(session: ChatSession, typed: str, when: datetime) -> None:
    """A date is the beginning of its day here; a zone that is given counts."""
    (ask,) = session.typed(f"/search a after:{typed} until:{typed} x: :y", NOW)
    assert ask.request.since == ask.request.until == when
    assert ask.request.query == "a x: :y"
