"""connection_phase.js: every phase with every event, and the state moved by what a server and a socket may send."""

from itertools import product

import pytest
from playwright.sync_api import Page

from tests.web.state_run import HELLO, READY, URL, Packet, Run

# phase -> event -> the next phase; what isn't here throws.
MOVES = {
    "stopped": {"connect": "away", "stop": "stopped"},
    "away": {"connect": "away", "stop": "stopped", "closed": "away", "opened": "opening"},
    "opening": {"connect": "away", "stop": "stopped", "closed": "away", "hello": "greeted", "bye": "ended"},
    "greeted": {
        "connect": "away",
        "stop": "stopped",
        "closed": "away",
        "introduce": "naming",
        "ready": "catching up",
        "refused": "greeted",
        "bye": "ended",
    },
    "naming": {
        "connect": "away",
        "stop": "stopped",
        "closed": "away",
        "introduce": "naming",
        "ready": "catching up",
        "refused": "greeted",
        "bye": "ended",
    },
    "catching up": {
        "connect": "away",
        "stop": "stopped",
        "closed": "away",
        "caughtUp": "live",
        "ready": "catching up",
        "refused": "greeted",
        "bye": "ended",
    },
    "live": {
        "connect": "away",
        "stop": "stopped",
        "closed": "away",
        "silence": "silent",
        "ready": "catching up",
        "refused": "greeted",
        "bye": "ended",
    },
    "silent": {
        "connect": "away",
        "stop": "stopped",
        "closed": "away",
        "answered": "live",
        "ready": "catching up",
        "refused": "greeted",
        "bye": "ended",
    },
    "ended": {"connect": "away", "stop": "stopped", "closed": "away"},
}
EVENTS = sorted({event for moves in MOVES.values() for event in moves})
SHOWN = {"stopped": "offline", "live": "live"}

NEXT = """([phase, event]) => {
  try { return ConnectionPhase.next(phase, event); } catch (fault) { return { fault: fault.message }; }
}"""


def test_the_phases_are_these(lab: Page) -> None:
    """A new one gets its row here."""
    table = "Object.entries(ConnectionPhase.TABLE).map(([phase, moves]) => [phase, Object.keys(moves).sort()])"
    assert dict(lab.evaluate(table)) == {phase: sorted(moves) for phase, moves in MOVES.items()}


@pytest.mark.parametrize(("phase", "event"), list(product(MOVES, EVENTS)))
def test_each_event_in_each_phase(lab: Page, phase: str, event: str) -> None:
    """It moves the connection as the table says, or throws."""
    wanted = MOVES[phase].get(event)
    found = lab.evaluate(NEXT, [phase, event])
    assert found == (wanted or {"fault": f'a connection that is {phase} takes no "{event}"'})
    allows = "([phase, event]) => ConnectionPhase.allows(phase, event)"
    assert lab.evaluate(allows, [phase, event]) == (wanted is not None)


@pytest.mark.parametrize("phase", MOVES)
def test_what_a_person_is_told(lab: Page, phase: str) -> None:
    """Offline is what the page gave up; all else that isn't live will come back by itself."""
    assert lab.evaluate("phase => ConnectionPhase.shown(phase)", phase) == SHOWN.get(phase, "reconnecting")


def in_phase(lab: Page, phase: str) -> Run:
    """Return a page whose connection is in this phase."""
    run = Run(lab)
    if phase == "stopped":
        return run
    if phase in ("live", "silent", "ended"):
        run.signed_in()
        if phase == "silent":
            run.do("silent", since=5)
        if phase == "ended":
            run.get({"type": "BYE", "reason": "timeout", "message": "silent for too long"})
        return run
    run.do("signin", url=URL, nickname="alice", password="", serverPassword="")
    steps: dict[str, list[Packet]] = {
        "opening": [],
        "greeted": [{**HELLO, "server_password": True}],
        "naming": [HELLO],
        "catching up": [HELLO, READY],
    }
    return run if phase == "away" else run.do("opened").get(*steps[phase])


PACKETS: list[Packet] = [
    HELLO,
    READY,
    {**READY, "resumed": True},
    {"type": "RETRY", "reason": "taken", "message": "taken"},
    {"type": "PONG", "id": 10, "ref": "alive-1"},
    {"type": "GAP", "after": 3, "id": 8},
    {"type": "NOTICE", "message": "away"},
    {"type": "BYE", "reason": "shutdown", "message": "bye"},
    {"type": "BYE", "reason": "kicked", "message": "out"},
    {"type": "ERROR", "code": "not_ready", "message": "not now"},
]


@pytest.mark.parametrize("phase", [phase for phase in MOVES if phase not in ("stopped", "away")])
@pytest.mark.parametrize("packet", PACKETS, ids=lambda packet: packet["type"])
def test_no_packet_of_a_server_is_a_bug_of_ours(lab: Page, phase: str, packet: Packet) -> None:
    """Each may come in each phase with a socket: it moves the connection, or is ignored."""
    run = in_phase(lab, phase)
    assert run.state()["connection"]["phase"] == phase
    assert run.get(packet).state()["connection"]["phase"] in MOVES


def test_a_readys_answer_alone_makes_it_live(lab: Page) -> None:
    """The PONG of an earlier PING says nothing of the replay that a bridge's own resume brings."""
    run = Run(lab).signed_in().do("silent", since=5).get({**READY, "resumed": True, "token": "t2"})
    run.get({"type": "PONG", "id": 10, "ref": "alive-1"})
    assert run.state()["connection"]["phase"] == "catching up"
    assert run.synced().state()["connection"]["phase"] == "live"


def test_since_when_it_is_shown_so(lab: Page) -> None:
    """The time moves when the person is told something else, and not with each attempt to come back."""
    run = Run(lab).signed_in()
    live = run.state()["connection"]["since"]
    cut = run.do("closed", retryAt=2000).state()["connection"]["since"]
    assert cut > live
    assert run.do("closed", retryAt=3000).do("opened").get(HELLO).state()["connection"]["since"] == cut
    assert run.do("again").state()["connection"]["since"] > cut


def test_without_a_network_it_is_offline(lab: Page) -> None:
    """While there is no socket; one that stands goes on over another network."""
    run = Run(lab).signed_in().do("network", online=False)
    assert run.result()["shown"] == "live"
    assert run.do("closed", retryAt=2000).result()["shown"] == "offline"
    assert run.do("network", online=True).result()["shown"] == "reconnecting"
