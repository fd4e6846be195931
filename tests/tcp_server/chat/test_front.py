"""In front of the hub: a NICK becomes a claim, and everything else a checked packet."""

import itertools

import pytest

from tcp_server.chat import tokens
from tcp_server.chat.front import Claim, Front, LocalSettings
from tcp_server.protocol import client_packets, server_packets
from tcp_server.protocol.client_packets import NotUtf8, Refusal
from tests.tcp_server.client import pack

KEY = bytes(32)


def front(server_password: str | None = None, motd: str | None = None) -> Front:
    return Front(LocalSettings("Front", "1", itertools.count(1).__next__, motd, server_password), KEY)


def claim(front: Front, **fields: object) -> Claim:
    packet = front.read(pack("NICK", fields))
    assert isinstance(packet, Claim)
    return packet


def test_hello_says_how_the_server_is() -> None:
    """Made once, for every session."""
    hello = server_packets.parse(front("secret", "welcome").hello)
    assert isinstance(hello, server_packets.Hello)
    assert (hello.server, hello.version, hello.server_password, hello.motd) == ("Front", "1", True, "welcome")


def test_a_new_user_gets_a_new_uid() -> None:
    """Each claim another one; without a token nothing is proven."""
    here = front()
    one, other = (
        claim(here, nickname="Zoe\u0308"),
        claim(here, nickname="bob", rooms=["#Tea"], after=7, epoch="e", ref="r"),
    )
    assert (one.uid, other.uid) == (1, 2)
    assert not one.is_proven
    assert one.nickname is not None
    assert (one.nickname, one.nickname.key, one.rooms) == ("Zo\u00eb", "zo\u00eb", None)
    assert other.rooms is not None
    assert [(room, room.key) for room in other.rooms] == [("Tea", "tea")]
    assert (other.after, other.epoch, other.ref) == (7, "e", "r")


def test_a_good_token_names_the_uid() -> None:
    """And a bad one counts as none."""
    here = front()
    token = tokens.issue(KEY, 77, "zoe", "")
    assert (claim(here, nickname="zoe", token=token).uid, claim(here, nickname="zoe", token=token).is_proven) == (
        77,
        True,
    )
    assert not claim(here, nickname="zoe", token=token[:-2]).is_proven


@pytest.mark.parametrize(
    ("nickname", "reason"), [("", "invalid"), ("two words", "invalid"), ("x" * 33, "invalid"), ("RooT", "reserved")]
)
def test_a_nickname_that_nobody_may_have(nickname: str, reason: str) -> None:
    """RETRY's reason is found here; the nickname is cut to what RETRY carries."""
    refused = claim(front(), nickname=nickname)
    assert refused.nickname is None
    assert refused.fault is not None
    assert (refused.fault[0], refused.asked) == (reason, nickname[:32])


def test_the_servers_password() -> None:
    """Asked for only where the server has one."""
    assert claim(front(), nickname="a", server_password="x").is_admitted
    assert claim(front("secret"), nickname="a", server_password="secret").is_admitted
    assert not claim(front("secret"), nickname="a", server_password="Secret").is_admitted
    assert not claim(front("secret"), nickname="a").is_admitted


def test_what_is_no_nick_is_only_parsed() -> None:
    """With the parser's refusals."""
    assert front().read(b'{"type":"PING"}') == client_packets.Ping()
    with pytest.raises(Refusal):
        front().read(b"{}")
    with pytest.raises(NotUtf8):
        front().read(b"\xff")


def test_a_room_that_is_no_room() -> None:
    """The refusal names its place in the list."""
    for room, code in (("two words", "bad_packet"), ("x" * 65, "too_long")):
        with pytest.raises(Refusal) as caught:
            claim(front(), nickname="a", rooms=["ok", room], ref="r")
        assert (caught.value.code, caught.value.text.partition(":")[0], caught.value.ref) == (code, "rooms[1]", "r")
