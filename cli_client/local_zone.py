"""The zone of this machine, for times of any day.

`datetime.now().astimezone()` gives a fixed offset: in winter it would show the messages of summer an hour off.
"""

from datetime import UTC, datetime, timedelta, tzinfo


class LocalZone(tzinfo):
    """The rules of the system's zone, which know on which days its clocks were changed."""

    def utcoffset(self, when: datetime | None) -> timedelta | None:
        """Return how far this zone's clocks are ahead of UTC at a time that they show."""
        return None if when is None else when.replace(tzinfo=None).astimezone().utcoffset()

    def dst(self, when: datetime | None) -> timedelta | None:
        """Return None: which part of the offset is summer time is not asked here."""
        return None

    def tzname(self, when: datetime | None) -> str | None:
        """Return the abbreviation of the zone at a time that its clocks show."""
        return None if when is None else when.replace(tzinfo=None).astimezone().tzname()

    def fromutc(self, when: datetime) -> datetime:
        """Return the same moment as this zone's clocks show it; `when` has the numbers of UTC and this zone."""
        fixed = when.replace(tzinfo=UTC).astimezone()
        shown = fixed.replace(tzinfo=self)
        return shown if shown.utcoffset() == fixed.utcoffset() else shown.replace(fold=1)  # the hour comes twice


LOCAL = LocalZone()
