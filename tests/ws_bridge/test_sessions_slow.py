"""Slow browsers: a cursor in the server's log instead of a queue here (PROTOCOL.md sections 5 and 6)."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable

from tests.ws_bridge.rig import PATIENCE, FakeBrowser, Link, Packet, Rig, msg, ready
from ws_bridge.browser import HELD_MAX, HIGH_WATER, REPEATED_MAX, UNSENT_MAX

Start = Callable[..., Awaitable[Rig]]

TEXT = "x" * 4000
A_TICK = 300_000  # bytes; more than one read of the link brings


async def narrow_connection(rig: Rig) -> socket.socket:
    """Connect with small buffers: nearly all unread bytes stay in the bridge."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", rig.port))
    return sock


async def enter_slowly(rig: Rig, link: Link, number: int, *rooms: str) -> FakeBrowser:
    """Return a browser in the chat that from now on reads only when the test does."""
    return await rig.enter(link, number, *rooms, sock=await narrow_connection(rig), max_queue=1)


async def flood(link: Link, number: int, *others: FakeBrowser) -> int:
    """Let room `a` talk until the bridge pauses the session; return the last id.

    The other browsers read meanwhile.
    """
    id = 1
    while True:
        link.say(*[msg("a", id + i, message=TEXT) for i in range(20)], {"type": "PING", "ref": "more"})
        for other in others:
            assert [(await other.hear())["id"] for _ in range(20)] == list(range(id, id + 20))
        id += 20
        packet = await link.hear()
        if packet["type"] == "PAUSE":
            assert packet == {"session": number, "type": "PAUSE"}
            await link.expect("PONG")
            return id - 1
        assert packet["type"] == "PONG"


def unsent(rig: Rig, number: int) -> int:
    return rig.bridge.browsers.browser(number).transport.get_write_buffer_size()


async def drain(browser: FakeBrowser, link: Link) -> tuple[list[Packet], int]:
    """Read until the bridge sends RESUME; return the packets read, and its `after`."""
    read: list[Packet] = []

    async def take() -> None:
        while True:
            read.append(await browser.hear())

    taking = asyncio.create_task(take())
    resume = await link.expect("RESUME", session=1)
    taking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await taking
    while not read or read[-1]["id"] < resume["after"]:
        read.append(await browser.hear())
    return read, resume["after"]


async def test_no_hole_and_no_repeat(rig: Rig, link: Link) -> None:
    """The messages before the pause and the replay after its cursor are together all messages, once and in order."""
    browser = await enter_slowly(rig, link, 1, "a")
    last = await flood(link, 1)
    link.say(*[msg("a", last + i, message=TEXT) for i in range(1, 100)])
    read, after = await drain(browser, link)
    assert [packet["id"] for packet in read] == list(range(1, after + 1))
    link.session(1, type="RESUME")
    for id in range(after + 1, after + 4):
        link.session(1, **msg("a", id))
    link.session(1, type="SUBSCRIBE", room="a")
    link.say(msg("a", after + 4))
    assert [(await browser.hear())["id"] for _ in range(4)] == list(range(after + 1, after + 5))


async def test_memory_is_bounded(rig: Rig, link: Link) -> None:
    """A paused browser costs no more while its room goes on; the others hear every message."""
    slow = await enter_slowly(rig, link, 1, "a")
    other = await rig.enter(link, 2, "a")
    last = await flood(link, 1, other)
    held = unsent(rig, 1)
    assert held < HIGH_WATER + A_TICK
    for id in range(last + 1, last + 2000):
        link.say(msg("a", id, message=TEXT))
        await other.expect("MSG", id=id)
    assert unsent(rig, 1) <= held
    assert rig.bridge.stats.pauses >= 1
    assert slow.connection.close_code is None


async def test_what_is_dropped_between_pause_and_answer(rig: Rig, link: Link) -> None:
    """MSG, room packets, SUBSCRIBE, GAP and PONG are dropped, and the PING is repeated.

    Direct answers are not dropped, nor is the answer to a resend, a MSG with an earlier id.
    """
    browser = await enter_slowly(rig, link, 1, "a")
    await browser.say(type="PING", ref="early")
    await link.expect("PING", ref="early")
    await flood(link, 1)
    await browser.say(type="PING", ref="late")
    link.say(
        {"session": 1, "type": "MSG", "id": 900_000, "to": "u1", "message": "direct"},
        {"session": 1, "type": "PONG", "id": 900_000, "ref": "early"},
        {"session": 1, "type": "GAP", "after": 1, "id": 900_000},
        {"session": 1, "type": "SUBSCRIBE", "room": "b"},
        msg("b", 900_001),
        {"session": 1, "type": "MSG", "id": 1, "room": "a", "ref": "resent"},
        {"session": 1, "type": "HISTORY", "id": 1_000_000, "room": "a", "messages": []},
    )
    read, after = await drain(browser, link)
    while read[-1]["type"] != "HISTORY":
        read.append(await browser.hear())
    assert after < 900_000
    assert (read[-2]["id"], read[-2].get("ref")) == (1, "resent")
    assert {packet["type"] for packet in read} == {"MSG", "HISTORY"}
    assert max(packet["id"] for packet in read if packet["type"] == "MSG") == after
    link.say(
        {"session": 1, "type": "PONG", "id": 900_002, "ref": "crossing"},
        {"session": 1, "type": "MSG", "room": "a", "id": after + 1},
        {"session": 1, "type": "RESUME"},
        {"session": 1, "type": "MSG", "room": "a", "id": after + 1},
    )
    await link.expect("PING", session=1, ref="early")
    await link.expect("PING", session=1, ref="crossing")
    await link.expect("PING", session=1, ref="late")
    await browser.expect("MSG", id=after + 1)


async def test_slow_again_while_catching_up(rig: Rig, link: Link) -> None:
    """A browser that is congested by its replay is paused again, at its new cursor."""
    browser = await enter_slowly(rig, link, 1, "a")
    await flood(link, 1)
    _, after = await drain(browser, link)
    link.session(1, type="RESUME")
    id = after
    while True:
        for _ in range(20):
            id += 1
            link.session(1, **msg("a", id, message=TEXT))
        link.say({"type": "PING"})
        if (await link.hear())["type"] == "PAUSE":
            await link.expect("PONG")
            break
    read, then = await drain(browser, link)
    assert [packet["id"] for packet in read] == list(range(after + 1, then + 1))


async def test_slow_when_the_link_is_lost(rig: Rig, link: Link) -> None:
    """Its session is resumed at once, since its user would be gone after the grace; then it is paused again."""
    browser = await enter_slowly(rig, link, 1, "a")
    last = await flood(link, 1)
    link.reset()
    link = await rig.server.link()
    await link.expect("OPEN")
    nick = await link.expect("NICK", rooms=["a"])
    link.say(ready(1, "a", id=last, resumed=True), {"session": 1, "type": "SUBSCRIBE", "room": "a"})
    await link.expect("PAUSE", session=1)
    read, after = await drain(browser, link)
    assert [packet["id"] for packet in read if packet["type"] == "MSG"] == list(range(1, after + 1))
    assert after == nick["after"]


async def test_one_that_takes_nothing_is_dropped(start: Start) -> None:
    """After `Timing.slow` its socket is closed and its session too."""
    rig = await start(slow=0.2)
    link = await rig.server.link()
    browser = await enter_slowly(rig, link, 1, "a")
    await flood(link, 1)
    await link.expect("CLOSE", session=1)
    browser.connection.transport.resume_reading()
    await link.nothing()
    assert len(rig.bridge.browsers) == 0


async def test_answers_do_not_pile_up_without_end(rig: Rig, link: Link) -> None:
    """A browser that asks for much and reads nothing is dropped."""
    await enter_slowly(rig, link, 1, "a")
    await flood(link, 1)
    said = 0
    while said < 3 * UNSENT_MAX:
        link.session(1, type="HISTORY", messages=[TEXT] * 15)
        link.say({"type": "PING"})
        said += 60_000
        if (await link.hear())["type"] == "CLOSE":
            break
    assert UNSENT_MAX / 2 < said < 2 * UNSENT_MAX


async def test_pings_to_repeat_are_bounded(rig: Rig, link: Link) -> None:
    """A paused browser whose PINGs lost their PONGs by the thousand is dropped."""
    await enter_slowly(rig, link, 1, "a")
    await flood(link, 1)
    link.say(*[{"session": 1, "type": "PONG", "id": 1, "ref": str(ref)} for ref in range(REPEATED_MAX)])
    await link.nothing()
    link.session(1, type="PONG", id=1, ref="one more")
    await link.expect("CLOSE", session=1)


async def test_a_paused_browsers_packets_wait(rig: Rig, link: Link, unread: asyncio.Event) -> None:
    """The browser is not read until it has drained; then 64 KiB are held, and no frame is lost."""
    browser = await enter_slowly(rig, link, 1, "a")
    await flood(link, 1)
    await asyncio.wait_for(unread.wait(), PATIENCE)
    sending = asyncio.create_task(say_much(browser))
    assert rig.bridge.browsers.browser(1).held_bytes == 0
    await link.nothing()
    unread.clear()
    await drain(browser, link)
    await asyncio.wait_for(unread.wait(), PATIENCE)
    assert HELD_MAX <= rig.bridge.browsers.browser(1).held_bytes < 2 * HELD_MAX
    link.session(1, type="RESUME")
    for i in range(3000):
        await link.expect("MSG", ref=str(i))
    await sending


async def say_much(browser: FakeBrowser) -> None:
    for i in range(3000):
        await browser.say(type="MSG", ref=str(i), message="y" * 300)


async def choke(rig: Rig, link: Link) -> None:
    """Send session 1 direct answers, which are never dropped, until it is congested."""
    while not rig.bridge.browsers.browser(1).is_congested:
        link.session(1, type="ERROR", code="x", message=TEXT * 10)
        await link.nothing()


async def test_slow_before_ready(rig: Rig, link: Link) -> None:
    """A session can't be paused before READY; the PAUSE follows it at once."""
    sock = await narrow_connection(rig)
    browser = await rig.open(link, 1, sock=sock, max_queue=1)
    await browser.say(type="NICK", nickname="u1")
    await link.expect("NICK")
    await choke(rig, link)
    link.say(ready(1, "a", id=7))
    await link.expect("PAUSE", session=1)
    reading = asyncio.create_task(browser.everything("READY"))
    await link.expect("RESUME", session=1, after=7)
    await reading


async def test_slow_before_ready_and_back(rig: Rig, link: Link) -> None:
    """A browser that drains before READY is never paused."""
    sock = await narrow_connection(rig)
    browser = await rig.open(link, 1, sock=sock, max_queue=1)
    await choke(rig, link)
    link.session(1, type="ERROR", code="last")
    while (await browser.hear())["code"] != "last":
        pass
    await browser.say(type="NICK", nickname="u1")
    await link.expect("NICK")
    link.say(ready(1))
    await browser.expect("READY")
    await link.nothing()


async def test_slow_again_before_the_answer(rig: Rig, link: Link) -> None:
    """If the browser is congested again when its RESUME is answered, a new PAUSE follows; no entry is skipped."""
    browser = await enter_slowly(rig, link, 1, "a")
    await flood(link, 1)
    _, after = await drain(browser, link)
    await choke(rig, link)
    link.session(1, type="RESUME")
    link.session(1, **msg("a", after + 1))
    await link.expect("PAUSE", session=1)
    reading = asyncio.create_task(browser.everything("MSG"))
    await link.expect("RESUME", session=1, after=after + 1)
    assert (await reading)[-1]["id"] == after + 1


async def test_an_answer_that_nobody_asked_for(rig: Rig, link: Link) -> None:
    """A RESUME for a session that isn't paused changes nothing, and the browser doesn't see it."""
    browser = await rig.enter(link, 1, "a")
    link.say({"session": 1, "type": "RESUME"}, msg("a", 1))
    await browser.expect("MSG", id=1)


async def test_a_slow_one_is_not_silent(start: Start) -> None:
    """A congested browser can't be pinged, so its silence counts only from the first look after it has drained."""
    rig = await start(look=10, ping=30, dead=60)
    link = await rig.server.link()
    browser = await rig.enter(link, 1)
    browsers = rig.bridge.browsers
    inside = browsers.browser(1)
    inside.is_congested = True
    for _ in range(7):
        browsers._look_at(inside)
    inside.is_congested = False
    browsers._look_at(inside)
    assert inside.silent == 1
    link.session(1, type="NOTICE", message="still there")
    await browser.expect("NOTICE")
