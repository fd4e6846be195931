"""A few attacks, each for a second: every honest message is answered, and memory stays small."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.hostile import run

SECONDS = 1.0
MEMORY_MAX_KIB = 200 * 1024


@pytest.fixture(scope="module")
def house() -> Iterator[run.House]:
    with run.house() as house:
        yield house


@pytest.mark.parametrize(
    "name",
    [
        "refused packets, unread",
        "PINGs before READY, unread",
        "9,000 searches of one browser",
        "foreign resumes, unread",
        "flood of ROOMS",
        "flood of JOIN",
        "HISTORY of long messages",
    ],
)
def test_an_attack(house: run.House, name: str) -> None:
    """How long honest clients waited is for `make hostile`: here other tests may run beside this one."""
    row = asyncio.run(run.attack(name, house, SECONDS))
    assert row.counts.seconds
    assert row.counts.unanswered == 0
    assert max(row.memory_kib) < MEMORY_MAX_KIB
