"""The table of paces, walked as a whole; and that nothing in the server goes round it."""

import ast
from itertools import product
from pathlib import Path

import pytest

import tcp_server
from tcp_server.delivery.pace import PACES, Pace, PaceEvent, next_pace

# From each pace, by event: all others are illegal.
EXPECTED = {
    Pace.OPENING: {"OPENED": "LIVE", "RETURNED": "BEHIND", "ENDED": "CLOSED"},
    Pace.LIVE: {"LAGGED": "BEHIND", "PAUSED": "PAUSED", "ENDED": "CLOSED"},
    Pace.BEHIND: {"CAUGHT_UP": "LIVE", "PAUSED": "PAUSED", "ENDED": "CLOSED"},
    Pace.PAUSED: {"RESUMED": "BEHIND", "ENDED": "CLOSED"},
    Pace.CLOSED: {},
}


@pytest.mark.parametrize(("pace", "event"), list(product(Pace, PaceEvent)), ids=lambda value: value.name)
def test_every_event_at_every_pace(pace: Pace, event: PaceEvent) -> None:
    """It leads to one pace, or can't be."""
    following = EXPECTED[pace].get(event.name)
    if following is None:
        with pytest.raises(AssertionError, match=f"a port that is {pace.name} can't be told {event.name}: "):
            next_pace(pace, event)
    else:
        assert next_pace(pace, event) is Pace[following]


def test_every_pace_is_reached_and_left() -> None:
    """From OPENING on; CLOSED is the end."""
    reached = {Pace.OPENING}
    while more := {to for (pace, _), to in PACES.items() if pace in reached} - reached:
        reached |= more
    assert reached == set(Pace)
    assert {pace for pace, _ in PACES} == set(Pace) - {Pace.CLOSED}


def test_nobody_else_assigns_a_pace() -> None:
    """`Port.move` does, and a port begins with one."""
    folder = Path(tcp_server.__file__).parent
    found = []
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr == "pace" and isinstance(node.ctx, ast.Store):
                found.append(str(path.relative_to(folder)))
    assert found == ["delivery/port.py"] * 2
