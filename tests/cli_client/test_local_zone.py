"""The zone of this machine, in summer and in winter."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from cli_client.local_zone import LOCAL


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(("month", "hours", "name"), [(1, 1, "CET"), (7, 2, "CEST")])
def test_the_offset_is_that_of_the_day(month: int, hours: int, name: str) -> None:
    """A message of last summer is shown in summer time."""
    shown = datetime(2026, month, 1, 12, tzinfo=UTC).astimezone(LOCAL)
    assert (shown.hour, shown.utcoffset(), shown.tzname()) == (12 + hours, timedelta(hours=hours), name)
    assert shown == datetime(2026, month, 1, 12 + hours, tzinfo=LOCAL)


def test_an_hour_that_comes_twice_is_told_apart() -> None:
    """When the clocks are put back, the second one keeps its moment."""
    for hour in (0, 1):
        moment = datetime(2026, 10, 25, hour, 30, tzinfo=UTC)
        assert moment.astimezone(LOCAL).astimezone(UTC) == moment
