"""A session's life on the link, packet by packet (PROTOCOL.md section 6)."""

from typing import Any

import pytest

from tests.ws_bridge.rig import HELLO, Link, Packet, Rig, msg, ready
from ws_bridge.browser import HELD_MAX, UNANSWERED_MAX


async def test_opening(rig: Rig, link: Link) -> None:
    """OPEN has the browser's address; HELLO, NICK and READY pass, with the session key on the link alone."""
    browser = await rig.browser()
    await link.expect("OPEN", session=1, address="127.0.0.1")
    link.session(1, **HELLO)
    await browser.expect("HELLO", server="fake")
    await browser.say(type="NICK", nickname="änn")
    await link.expect("NICK", session=1, nickname="änn")
    link.say(ready(1, "lobby"))
    await browser.expect("READY", nickname="u1")
    await browser.say(type="MSG", room="lobby", message="hi")
    await link.expect("MSG", session=1, room="lobby", message="hi")


async def test_rooms_are_heard_between_subscribe_and_unsubscribe(rig: Rig, link: Link) -> None:
    """Within one read of the link each packet counts from its place on."""
    ann, bob = await rig.enter(link, 1), await rig.enter(link, 2, "a")
    link.say(
        msg("a", 1),
        {"session": 1, "type": "SUBSCRIBE", "room": "a"},
        {"session": 1, "type": "ROOM", "room": "a"},
        msg("a", 2),
        {"session": 2, "type": "UNSUBSCRIBE", "room": "a"},
        {"session": 2, "type": "ERROR", "code": "x"},
        msg("a", 3),
        {"type": "JOIN", "room": "a", "nickname": "x"},
        {"type": "MSG", "room": "nobody-here", "id": 4},
        {"type": "NOTICE", "message": "all"},
        msg("a", 5),
    )
    assert [p.get("id") or p["type"] for p in [await ann.hear() for _ in range(6)]] == [
        "ROOM",
        2,
        3,
        "JOIN",
        "NOTICE",
        5,
    ]
    assert [p.get("id") or p["type"] for p in [await bob.hear() for _ in range(4)]] == [1, 2, "ERROR", "NOTICE"]


async def test_a_browser_cannot_speak_for_others(rig: Rig, link: Link) -> None:
    """Its session key is replaced, and packets of a bridge are refused; the server answers a body that is no object."""
    browser = await rig.open(link, 1)
    await browser.say(session=99, type="PING")
    await link.expect("PING", session=1)
    await browser.say(type="CLOSE", session=2, ref="r")
    await browser.expect("ERROR", code="unknown_type", ref="r")
    await browser.connection.send("[1]")
    assert await link.hear() == {"session": 1}
    await browser.say(message="x" * 65_510)
    await browser.expect("ERROR", code="too_long")
    await link.nothing()


@pytest.mark.parametrize("kind", ["LINK", "OPEN", "CLOSE", "SUBSCRIBE", "UNSUBSCRIBE", "PAUSE", "RESUME"])
async def test_link_packets_never_cross(rig: Rig, link: Link, kind: str) -> None:
    """None of them reaches the server."""
    browser = await rig.enter(link, 1)
    await browser.say(type=kind)
    await browser.expect("ERROR", code="unknown_type")
    await link.nothing()


@pytest.mark.parametrize(("reason", "code"), [("quit", 1000), ("shutdown", 1001), ("protocol", 1002), ("slow", 1008)])
async def test_bye(rig: Rig, link: Link, reason: str, code: int) -> None:
    """The browser gets the BYE and then the close code; no CLOSE goes to the server."""
    browser = await rig.enter(link, 1, "a")
    link.say(msg("a", 1), {"session": 1, "type": "BYE", "reason": reason, "message": "m"}, msg("a", 2))
    await browser.expect("MSG", id=1)
    await browser.expect("BYE", reason=reason)
    assert await browser.closed() == code
    await link.nothing()


async def test_words_after_bye_are_not_forwarded(rig: Rig, link: Link) -> None:
    """A browser's bodies during the closing of its socket are ignored."""
    browser = await rig.enter(link, 1)
    browser.connection.transport.pause_reading()
    link.session(1, type="BYE", reason="kicked", message="m")
    await link.nothing()
    await browser.say(type="MSG", message="too late")
    browser.connection.transport.resume_reading()
    await browser.expect("BYE")
    assert await browser.closed() == 1008
    await link.nothing()


async def test_pong_before_ready_vouches_for_nothing(rig: Rig, link: Link) -> None:
    """A PING is allowed before READY, but the session has no cursor yet."""
    browser = await rig.open(link, 1)
    link.say(
        {"session": 1, "type": "PONG", "id": 50},
        {"session": 1, "type": "SUBSCRIBE", "room": "too early"},
        {"session": 1, "type": "UNSUBSCRIBE", "room": "too early"},
        ready(1, id=4),
    )
    await browser.expect("PONG")
    await browser.expect("READY")
    link.reset()
    link = await rig.server.link()
    await link.expect("OPEN")
    await link.expect("NICK", after=4, rooms=[])


async def test_a_browser_that_goes_is_reported(rig: Rig, link: Link) -> None:
    """CLOSE follows both a close frame and a broken connection; bodies that cross it are ignored."""
    ann, bob = await rig.enter(link, 1), await rig.enter(link, 2)
    await ann.connection.close()
    await link.expect("CLOSE", session=1)
    bob.connection.transport.abort()
    await link.expect("CLOSE", session=2)
    link.session(1, type="MSG", id=1)
    link.session(77, type="MSG", id=1)
    await link.nothing()


async def test_resume(rig: Rig, link: Link) -> None:
    """After a lost link the bridge resumes in the browser's name, and no second HELLO is seen."""
    browser = await rig.enter(link, 1, "b", "a", id=3)
    link.say(msg("a", 4), msg("b", 6), {"type": "JOIN", "room": "a"})
    for _ in range(3):
        await browser.hear()
    link.reset()
    await browser.expect("NOTICE")
    await browser.say(type="MSG", message="while away")
    link = await rig.server.link()
    await link.expect("OPEN", session=1)
    await link.expect("NICK", session=1, nickname="u1", token="token1", epoch="epoch", rooms=["a", "b"], after=6)
    await link.expect("MSG", message="while away")
    link.session(1, **HELLO)
    link.say(ready(1, "a", id=9, token="token9", resumed=True))
    await browser.expect("READY", resumed=True)

    # Nothing came after READY: its id is before the replay, so the next resume asks from the same place.
    link.reset()
    await browser.expect("NOTICE")
    link = await rig.server.link()
    await link.expect("OPEN")
    await link.expect("NICK", token="token9", rooms=["a"], after=6)


@pytest.mark.parametrize(
    ("said", "after"),
    [
        ([], 3),
        ([{"type": "MSG", "to": "u1", "id": 7}], 7),
        ([{"type": "MSG", "to": "u1", "id": 7}, {"type": "MSG", "room": "a", "id": 5, "ref": "resent"}], 7),
        ([{"type": "PONG", "id": 8}], 8),
        ([{"type": "PONG", "id": 2}], 3),
        ([{"type": "GAP", "after": 3, "id": 20}], 19),
        ([{"type": "GAP", "after": 3, "id": 20}, {"type": "MSG", "room": "a", "id": 20}], 20),
        ([{"type": "HISTORY", "room": "a", "messages": [], "id": 50}], 3),
        ([{"type": "READY", "nickname": "new", "token": "t2", "epoch": "epoch", "id": 60, "rooms": []}], 3),
    ],
)
async def test_cursor(rig: Rig, link: Link, said: list[dict[str, Any]], after: int) -> None:
    """A resume asks from the newest id up to which the browser was sent every entry."""
    browser = await rig.enter(link, 1, "a", id=3)
    for packet in said:
        link.session(1, **packet)
        await browser.expect(packet["type"])
    link.reset()
    await browser.expect("NOTICE")
    link = await rig.server.link()
    await link.expect("OPEN")
    await link.expect("NICK", after=after)


async def test_a_browser_that_resumes_itself(rig: Rig, link: Link) -> None:
    """READY comes before its replay, so the cursor is the `after` of the NICK."""
    browser = await rig.open(link, 1)
    await browser.say(type="NICK", nickname="u1", token="t", epoch="epoch", after=5)
    await link.expect("NICK", after=5)
    link.say(ready(1, "a", id=9, resumed=True), {"session": 1, "type": "MSG", "room": "a", "id": 6})
    await browser.expect("READY")
    await browser.expect("MSG", id=6)
    link.reset()
    link = await rig.server.link()
    await link.expect("OPEN")
    await link.expect("NICK", after=6)


async def test_another_log(rig: Rig, link: Link) -> None:
    """A server with another epoch has other ids: the cursor begins again at 0."""
    browser = await rig.enter(link, 1, id=100)
    link.reset()
    await browser.expect("NOTICE")
    link = await rig.server.link()
    await link.expect("OPEN")
    await link.expect("NICK", epoch="epoch", after=100)
    link.say(ready(1, id=7, epoch="other", resumed=True))
    await browser.expect("READY", epoch="other")
    link.reset()
    link = await rig.server.link()
    await link.expect("OPEN")
    await link.expect("NICK", epoch="other", after=0)


async def test_retry_after_resume(rig: Rig, link: Link) -> None:
    """The browser gets the refusal of a resume; from then on it is before READY, also on the next link."""
    browser = await rig.enter(link, 1)
    link.reset()
    await browser.expect("NOTICE")
    link = await rig.server.link()
    await link.expect("OPEN")
    await link.expect("NICK", token="token1")
    link.session(1, **HELLO)
    link.session(1, type="RETRY", nickname="u1", reason="taken", message="m")
    await browser.expect("RETRY", reason="taken")
    link.reset()
    await browser.expect("NOTICE")
    link = await rig.server.link()
    await link.expect("OPEN", session=1)
    link.session(1, **HELLO)
    await browser.say(type="NICK", nickname="other")
    await link.expect("NICK", nickname="other")


async def test_a_full_queue_is_no_answer_to_the_resume(rig: Rig, link: Link) -> None:
    """The server refuses a later packet before it answers the NICK: the browser is told, and the resume stands."""
    browser = await rig.enter(link, 1)
    link.reset()
    await browser.expect("NOTICE")
    link = await rig.server.link()
    await link.expect("OPEN")
    await link.expect("NICK", token="token1")
    link.session(1, type="ERROR", code="rate_limited", what="queue", message="m", retry_after=1, ref="r")
    await browser.expect("ERROR", code="rate_limited", what="queue", retry_after=1, ref="r")
    link.reset()
    await browser.expect("NOTICE")
    link = await rig.server.link()
    await link.expect("OPEN")
    await link.expect("NICK", token="token1")


async def test_retry_of_a_rename_changes_nothing(rig: Rig, link: Link) -> None:
    """A user in the chat whose new nickname is refused is still in the chat."""
    browser = await rig.enter(link, 1)
    link.session(1, type="RETRY", nickname="x", reason="taken", message="m")
    await browser.expect("RETRY")
    link.reset()
    link = await rig.server.link()
    await link.expect("OPEN")
    await link.expect("NICK", nickname="u1", token="token1")


async def test_an_unanswered_nick_is_sent_again(rig: Rig, link: Link) -> None:
    """A NICK whose answer was lost with the link is answered on the next one."""
    browser = await rig.open(link, 1)
    await browser.say(type="NICK", nickname="ann", ref="r")
    await link.expect("NICK", nickname="ann")
    link.reset()
    await browser.expect("NOTICE")
    link = await rig.server.link()
    await link.expect("OPEN", session=1)
    await link.expect("NICK", nickname="ann", ref="r")
    link.session(1, **HELLO)
    link.say(ready(1))
    await browser.expect("READY")


async def test_a_nick_said_while_the_server_is_away(rig: Rig, link: Link) -> None:
    """It is sent once, in its place among the held frames."""
    browser = await rig.open(link, 1)
    await rig.server.stop()
    await browser.expect("NOTICE")
    await browser.say(type="PING")
    await browser.say(type="NICK", nickname="ann")
    await browser.say(type="PING", ref="2")
    await browser.connection.ping()
    await rig.server.start()
    link = await rig.server.link()
    await link.expect("OPEN", session=1)
    await link.expect("PING")
    await link.expect("NICK", nickname="ann")
    await link.expect("PING", ref="2")
    await link.nothing()


@pytest.mark.parametrize(
    "refusal",
    [
        {"type": "RETRY", "nickname": "taken", "reason": "taken", "message": "m"},
        {"type": "ERROR", "code": "too_many", "message": "rooms: more than 50"},
    ],
)
async def test_a_nick_behind_one_that_is_refused(rig: Rig, link: Link, refusal: Packet) -> None:
    """READY answers the second NICK, which is sent again if that READY was lost with the link."""
    browser = await rig.open(link, 1)
    await browser.say(type="NICK", nickname="taken")
    await browser.say(type="PONG")
    await browser.say(type="PING", ref="between")
    await browser.say(type="NICK", nickname="u1", token="t", epoch="epoch", after=5)
    for kind in ("NICK", "PONG", "PING", "NICK"):
        await link.expect(kind)
    link.say({"session": 1, **refusal})
    await browser.expect(str(refusal["type"]))
    link.reset()
    link = await rig.server.link()
    await link.expect("OPEN")
    await link.expect("PING", ref="between")
    await link.expect("NICK", nickname="u1", after=5)
    await browser.expect("NOTICE")
    link.session(1, **HELLO)
    link.session(1, type="PONG", ref="between", id=0)
    link.say(ready(1, id=9, resumed=True))
    await browser.expect("PONG")
    await browser.expect("READY")
    link.reset()
    link = await rig.server.link()
    await link.expect("OPEN")
    await link.expect("NICK", nickname="u1", token="token1", after=5)


async def test_many_packets_before_ready(rig: Rig, link: Link) -> None:
    """UNANSWERED_MAX frames cross without an answer; the next one waits for an answer."""
    browser = await rig.open(link, 1)
    for number in range(UNANSWERED_MAX + 1):
        await browser.say(type="PING", ref=str(number))
    for number in range(UNANSWERED_MAX):
        await link.expect("PING", ref=str(number))
    await link.nothing()
    link.session(1, type="PONG", ref="0", id=0)
    await link.expect("PING", ref=str(UNANSWERED_MAX))


async def test_long_packets_before_ready(rig: Rig, link: Link) -> None:
    """Those that cross without an answer are kept to be sent again, so their bytes are bounded too."""
    browser = await rig.open(link, 1)
    for number in range(3):
        await browser.say(type="PING", ref=str(number), more="x" * (HELD_MAX - 1000))
    for number in range(2):
        await link.expect("PING", ref=str(number))
    await link.nothing()
    link.session(1, type="PONG", ref="0", id=0)
    await link.expect("PING", ref="2")


async def test_the_servers_password(rig: Rig, link: Link) -> None:
    """A session that opened with the password resumes with it, also after a rename."""
    browser = await rig.open(link, 1)
    await browser.say(type="NICK", nickname="u1", server_password="open sesame")
    await link.expect("NICK", server_password="open sesame")
    link.say(ready(1), ready(1, nickname="new"))
    await browser.expect("READY")
    await browser.expect("READY", nickname="new")
    for _ in range(2):
        link.reset()
        link = await rig.server.link()
        await link.expect("OPEN")
        await link.expect("NICK", nickname="new", server_password="open sesame")
        link.session(1, **HELLO)
        link.say(ready(1, nickname="new", resumed=True))
        await browser.expect("NOTICE")
        await browser.expect("READY", resumed=True)


async def test_what_a_subscription_changes_is_remembered(rig: Rig, link: Link) -> None:
    """A resume names the present rooms, not the rooms of READY."""
    browser = await rig.enter(link, 1, "a", "b")
    link.session(1, type="SUBSCRIBE", room="c")
    link.session(1, type="UNSUBSCRIBE", room="a")
    link.say({"type": "NOTICE", "message": "done"})
    await browser.expect("NOTICE")
    link.say({"type": "BYE", "reason": "shutdown", "message": "m"})
    link.close()
    await browser.expect("NOTICE")
    link = await rig.server.link()
    await link.expect("OPEN")
    await link.expect("NICK", rooms=["b", "c"])
