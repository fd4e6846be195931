"""connection.js on a clock that only the test moves: when it reconnects, when it asks, when it gives up."""

from typing import Any

from playwright.sync_api import Page

BENCH = """({ steps, random }) => {
  let now = 0;
  let timers = [];
  const clock = {
    now: () => now,
    setTimeout: (work, msec) => { const timer = { at: now + msec, work }; timers.push(timer); return timer; },
    clearTimeout: (timer) => { timers = timers.filter((one) => one !== timer); },
  };
  const told = [];
  const sockets = [];
  const open = (url) => {
    if (url === "bad") throw new SyntaxError("no address");
    const socket = { url, readyState: 0, sent: [], closed: false, send(body) { this.sent.push(JSON.parse(body)); },
                     close() { this.closed = true; this.readyState = 3; } };
    sockets.push(socket);
    told.push(["open", now]);
    return socket;
  };
  const emit = (event) => told.push([event.type, now, event.packet?.type ?? event.retryAt ?? event.since ?? null]);
  const connection = new Connection({ emit, open, clock, random: () => random });
  const act = {
    start: (url = "ws://x/") => connection.start(url),
    stop: () => connection.stop(),
    later: () => connection.later(),
    check: () => connection.check(),
    probe: (patience) => connection.probe(patience),
    accept: () => { const socket = sockets.at(-1); socket.readyState = 1; socket.onopen(); },
    lose: () => { const socket = sockets.at(-1); socket.readyState = 3; socket.onclose?.(); },
    hear: (packet) => sockets.at(-1).onmessage({ data: typeof packet === "string" ? packet : JSON.stringify(packet) }),
    send: (packet) => connection.send(packet),
    wait(msec) {
      const until = now + msec;
      for (;;) {
        const [next] = timers.filter((timer) => timer.at <= until).sort((one, other) => one.at - other.at);
        if (next === undefined) break;
        now = next.at;
        timers = timers.filter((timer) => timer !== next);
        next.work();
      }
      now = until;
    },
  };
  for (const [name, ...args] of steps) act[name](...args);
  return { told, timers: timers.length, sockets: sockets.map(({ sent, closed }) => ({ sent, closed })) };
}"""
READY = {"type": "READY", "nickname": "a", "token": "t", "epoch": "e", "id": 0, "rooms": [], "resumed": False}
UP: list[list[Any]] = [["start"], ["accept"], ["hear", READY]]


def run(lab: Page, *steps: list[Any], random: float = 1) -> dict[str, Any]:
    return dict(lab.evaluate(BENCH, {"steps": steps, "random": random}))


def told(lab: Page, kind: str, *steps: list[Any], random: float = 1) -> list[list[Any]]:
    return [one[1:] for one in run(lab, *steps, random=random)["told"] if one[0] == kind]


def test_reconnects_at_once_and_then_ever_more_slowly(lab: Page) -> None:
    """0, then 0.5 s doubling up to 30 s."""
    losses: list[list[Any]] = [["lose"], ["wait", 0]]
    for wait in (500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000):
        losses += [["lose"], ["wait", wait]]
    opened = [at for (at,) in told(lab, "open", *UP, *losses)]
    assert opened == [0, 0, 500, 1_500, 3_500, 7_500, 15_500, 31_500, 61_500, 91_500]


def test_jitter_is_half_of_the_wait(lab: Page) -> None:
    """A thousand pages that lose one server don't come back in step."""
    steps = [*UP, ["lose"], ["wait", 0], ["lose"], ["wait", 500]]
    assert told(lab, "open", *steps, random=0)[-1] == [250]
    assert told(lab, "open", *steps, random=0.5)[-1] == [375]


def test_a_ready_makes_the_next_loss_the_first_again(lab: Page) -> None:
    steps = [*UP, ["lose"], ["wait", 0], ["lose"], ["wait", 500], ["accept"], ["hear", READY], ["lose"], ["wait", 0]]
    assert told(lab, "open", *steps)[-1] == [500]


def test_a_check_waits_for_no_timer(lab: Page) -> None:
    """Back online, or looked at again: now. And not twice."""
    steps = [*UP, ["lose"], ["wait", 0], ["lose"], ["wait", 100], ["check"], ["check"], ["wait", 5_000]]
    assert told(lab, "open", *steps) == [[0], [0], [100]]


def test_a_check_of_a_standing_socket_asks(lab: Page) -> None:
    found = run(lab, *UP, ["check"])
    assert [packet["type"] for packet in found["sockets"][0]["sent"]] == ["PING"]


def test_silence_is_asked_about_then_told_then_given_up(lab: Page) -> None:
    """25 s without a packet: PING; 5 s without an answer: `silent`; 10 s without anything: the socket is dead."""
    steps = [*UP, ["wait", 25_000], ["wait", 5_000], ["wait", 5_000], ["wait", 0]]
    found = run(lab, *steps)
    assert found["sockets"][0]["sent"] == [{"type": "PING", "ref": "alive-1"}]
    assert ["silent", 30_000, 25_000] in found["told"]
    assert ["closed", 35_000, 35_000] in found["told"]
    assert found["sockets"][0]["closed"]
    assert len(found["sockets"]) == 2


def test_any_packet_but_a_notice_is_a_sign_of_life(lab: Page) -> None:
    """A NOTICE may be the bridge's own, with no server behind it."""
    pong = {"type": "PONG", "id": 1, "ref": "alive-1"}
    assert told(lab, "silent", *UP, ["probe"], ["hear", pong], ["wait", 20_000]) == []
    notice = {"type": "NOTICE", "message": "away"}
    assert told(lab, "silent", *UP, ["probe"], ["hear", notice], ["wait", 9_000]) == [[5_000, 0]]


def test_a_bridge_that_speaks_is_not_dead(lab: Page) -> None:
    """Without its server it sends a NOTICE every 2 s, or whatever: the socket is kept, and given up once that ends."""
    notice = {"type": "NOTICE", "message": "away"}
    for said in (notice, "no packet at all"):
        steps = [*UP, ["probe"]]
        for _ in range(10):
            steps += [["wait", 2_000], ["hear", said]]
        assert told(lab, "closed", *steps, ["wait", 9_999]) == []
        assert told(lab, "closed", *steps, ["wait", 10_000]) == [[30_000, 30_000]]


def test_before_its_hello_nothing_is_asked(lab: Page) -> None:
    """A bridge without its server keeps a new browser waiting for the HELLO, and answers nothing."""
    found = run(lab, ["start"], ["accept"], ["check"], ["wait", 30_000])
    assert found["sockets"] == [{"sent": [], "closed": False}]
    assert told(lab, "closed", ["start"], ["accept"], ["wait", 45_000]) == [[45_000, 45_000]]


def test_pings_of_the_server_are_answered(lab: Page) -> None:
    found = run(lab, *UP, ["hear", {"type": "PING", "ref": "p"}])
    assert found["sockets"][0]["sent"] == [{"type": "PONG", "ref": "p"}]
    assert ["packet", 0, "PING"] not in found["told"]


def test_bodies_that_are_no_packets_are_dropped(lab: Page) -> None:
    assert told(lab, "packet", *UP, ["hear", "no JSON"], ["hear", "{}"]) == [[0, "READY"]]


def test_nothing_is_heard_after_stop(lab: Page) -> None:
    """No event, no timer, no new socket; what the old socket says goes nowhere."""
    found = run(lab, *UP, ["stop"], ["lose"], ["wait", 100_000], ["check"])
    assert [one[0] for one in found["told"]] == ["open", "opened", "packet"]
    assert found["timers"] == 0


def test_nothing_is_sent_before_the_socket_is_open(lab: Page) -> None:
    found = run(lab, ["start"], ["send", {"type": "PING", "ref": "early"}], ["accept"], ["send", {"type": "PING"}])
    assert found["sockets"][0]["sent"] == [{"type": "PING"}]


def test_an_address_that_is_none(lab: Page) -> None:
    """It is told like a lost connection, and tried again as such."""
    assert told(lab, "closed", ["start", "bad"]) == [[0, 0]]


def test_a_socket_that_never_opens_is_given_up(lab: Page) -> None:
    found = run(lab, ["start"], ["wait", 10_000], ["wait", 0])
    assert [one[0] for one in found["told"]] == ["open", "closed", "open"]


def test_later_is_not_at_once(lab: Page) -> None:
    """The socket is left, and the next one is opened after the pause that a second failure would bring."""
    result = run(lab, *UP, ["later"], ["wait", 499], ["wait", 1])
    assert [one for one in result["told"] if one[0] != "packet"][-2:] == [["closed", 0, 500], ["open", 500]]
    assert result["sockets"][0]["closed"]
    assert told(lab, "open", *UP, ["stop"], ["later"], ["wait", 60_000]) == [[0]]
