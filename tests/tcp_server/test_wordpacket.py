"""The word packet: one table of cases for decoder, encoder and blocking reader."""

import contextlib
import json
import re
import socket
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tcp_server.wordpacket import (
    MAX_BODY,
    Decoder,
    PacketError,
    TruncatedError,
    encode,
    make_word_packet,
    read_message,
    really_read,
    send_message,
    send_packet,
)

# Streams: their bytes, the bodies in them, and the error at their end, if there is one.
STREAMS: dict[str, tuple[bytes, list[bytes], str | None]] = {
    "nothing": (b"", [], None),
    "one": (b"\x00\x02{}", [b"{}"], None),
    "shortest": (b"\x00\x01x", [b"x"], None),
    "three": (b"\x00\x01a\x00\x02bc\x00\x01d", [b"a", b"bc", b"d"], None),
    "longest": (b"\xff\xff" + b"x" * MAX_BODY, [b"x" * MAX_BODY], None),
    "length of two bytes": (b"\x01\x00" + b"y" * 256, [b"y" * 256], None),
    "bodies like lengths": (b"\x00\x03\x00\x00\x00\x00\x02\xff\xff", [b"\0\0\0", b"\xff\xff"], None),
    "half a length": (b"\x00", [], "stream ends after 1 bytes of a packet"),
    "a length alone": (b"\x00\x05", [], "stream ends after 2 bytes of a packet"),
    "half a body": (b"\x00\x01a\x00\x05abc", [b"a"], "stream ends after 5 bytes of a packet"),
    "zero": (b"\x00\x00", [], "packet of length zero"),
    "zero behind good ones": (b"\x00\x01a\x00\x01b\x00\x00\x00\x01c", [b"a", b"b"], "packet of length zero"),
}
streams = pytest.mark.parametrize(("stream", "bodies", "error"), STREAMS.values(), ids=STREAMS)


def decode(decoder: Decoder, pieces: list[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        decoder.feed(piece)
        yield from decoder
    decoder.end()


def assert_decodes(pieces: list[bytes], bodies: list[bytes], error: str | None) -> None:
    """These pieces of a stream give these bodies, and then this error."""
    got = []
    found = None
    try:
        for body in decode(Decoder(), pieces):
            got.append(body)
    except PacketError as caught:
        found = str(caught)
    assert (got, found) == (bodies, error)


@streams
def test_decoder_whole(stream: bytes, bodies: list[bytes], error: str | None) -> None:
    """Good packets in front of a bad one come first."""
    assert_decodes([stream], bodies, error)


@streams
def test_decoder_byte_by_byte(stream: bytes, bodies: list[bytes], error: str | None) -> None:
    """TCP has no packets."""
    assert_decodes([stream[place : place + 1] for place in range(len(stream))], bodies, error)


@streams
def test_decoder_in_two_pieces(stream: bytes, bodies: list[bytes], error: str | None) -> None:
    """Cut anywhere."""
    for place in {0, 1, 2, 3, 4, 5, len(stream) // 2, max(0, len(stream) - 1)}:
        assert_decodes([stream[:place], stream[place:]], bodies, error)


@streams
def test_decoder_with_trailing_data(stream: bytes, bodies: list[bytes], error: str | None) -> None:
    """What follows a good stream is the next packet; a decoder that failed goes on failing."""
    if error is None:
        assert_decodes([stream + b"\x00\x01z"], [*bodies, b"z"], None)
    elif "zero" in error:
        decoder = Decoder()
        decoder.feed(stream)
        for _ in range(2):
            with pytest.raises(PacketError):
                list(decoder)


def test_a_decoder_may_be_left_in_the_middle() -> None:
    """A body that was yielded is not yielded again."""
    decoder = Decoder()
    decoder.feed(b"\x00\x01a\x00\x01b")
    assert next(iter(decoder)) == b"a"
    decoder.feed(b"\x00\x01c\x00")
    assert list(decoder) == [b"b", b"c"]
    assert list(decoder) == []


@given(st.lists(st.binary(min_size=1, max_size=300)), st.lists(st.integers(0, 400)))
def test_what_is_encoded_is_decoded(bodies: list[bytes], cuts: list[int]) -> None:
    """However the stream is cut."""
    stream = b"".join(map(encode, bodies))
    pieces, start = [], 0
    for cut in sorted(cuts):
        pieces.append(stream[start:cut])
        start = max(start, cut)
    assert_decodes([*pieces, stream[start:]], bodies, None)


@settings(max_examples=200)
@given(st.lists(st.binary(max_size=100)))
def test_any_bytes_give_bodies_or_a_packet_error(pieces: list[bytes]) -> None:
    """Never another exception, and never a body without bytes."""
    with contextlib.suppress(PacketError):
        for body in decode(Decoder(), pieces):
            assert 0 < len(body) <= MAX_BODY


@pytest.mark.parametrize("size", [1, 255, 256, MAX_BODY])
def test_encode(size: int) -> None:
    """Two bytes of length, big-endian."""
    packet = encode(b"x" * size)
    assert packet == bytes([size >> 8, size & 255]) + b"x" * size


@pytest.mark.parametrize("size", [0, MAX_BODY + 1])
def test_encode_refuses_what_no_length_can_say(size: int) -> None:
    """The error says how many bytes there were."""
    with pytest.raises(PacketError, match=f"not {size}$"):
        encode(b"x" * size)


# The blocking four


class Trickle:
    """A socket whose stream comes a few bytes at a time."""

    def __init__(self, stream: bytes, at_once: int = 1) -> None:
        self._stream = stream
        self._at_once = at_once

    def recv(self, size: int, /) -> bytes:
        assert size > 0
        size = min(size, self._at_once)
        data, self._stream = self._stream[:size], self._stream[size:]
        return data


def classic(number: int) -> bytes:
    return encode(json.dumps({"nickname": "alice", "message": str(number)}).encode())


@pytest.mark.parametrize("at_once", [1, 2, 3, 100_000])
def test_really_read(at_once: int) -> None:
    """Exactly n bytes, however they come; the rest stays for the next call."""
    sock = Trickle(b"hello world", at_once)
    assert really_read(sock, 5) == b"hello"
    assert really_read(sock, 0) == b""
    assert really_read(sock, 6) == b" world"
    with pytest.raises(TruncatedError, match="stream ends after 0 of 1 bytes"):
        really_read(sock, 1)


def test_really_read_says_how_many_came() -> None:
    """As attributes too."""
    with pytest.raises(TruncatedError, match="stream ends after 3 of 8 bytes") as caught:
        really_read(Trickle(b"abc"), 8)
    assert (caught.value.received, caught.value.expected) == (3, 8)


def test_really_read_of_less_than_nothing() -> None:
    """That is the caller's mistake."""
    with pytest.raises(ValueError, match="can't read -1 bytes"):
        really_read(Trickle(b""), -1)


@pytest.mark.parametrize("at_once", [1, 7, 100_000])
def test_read_message(at_once: int) -> None:
    """One packet a call; EOFError between two packets."""
    sock = Trickle(classic(1) + classic(2), at_once)
    assert read_message(sock) == {"nickname": "alice", "message": "1"}
    assert read_message(sock) == {"nickname": "alice", "message": "2"}
    with pytest.raises(EOFError):
        read_message(sock)


@pytest.mark.parametrize(
    ("stream", "text"),
    [
        (b"\x00", "stream ends after 1 of 2 bytes"),
        (b"\x00\x05", "stream ends after 0 of 5 bytes"),
        (b"\x00\x05abc", "stream ends after 3 of 5 bytes"),
        (b"\x00\x00", "packet of length zero"),
        (encode(b"\xff\xfe"), "the body is not UTF-8"),
        (encode(b"nonsense"), "the body is not JSON"),
        (encode(b"[" * 30_000), "the body is not JSON"),
        (encode(b"[1]"), "the body is not a JSON object"),
        (encode(b'"x"'), "the body is not a JSON object"),
        (encode(b'{"x":NaN}'), "NaN is not JSON"),
        (encode(b'{"x":-Infinity}'), "-Infinity is not JSON"),
        (encode(b"\xef\xbb\xbf{}"), "the body is not JSON"),
        (encode(b'{"x":%b}' % (b"9" * 5000)), "the body is not JSON"),
    ],
)
def test_read_message_refuses(stream: bytes, text: str) -> None:
    """A PacketError each, never something else."""
    with pytest.raises(PacketError, match=re.escape(text)):
        read_message(Trickle(stream, 100_000))


def test_make_word_packet() -> None:
    """The classic packet: timestamp, nickname, message, in UTF-8."""
    packet = make_word_packet("zoë", "hello 😀\n")
    (body,) = decode(Decoder(), [packet])
    assert "hello 😀\\n".encode() in body
    fields = json.loads(body)
    assert list(fields) == ["timestamp", "nickname", "message"]
    assert (fields["nickname"], fields["message"]) == ("zoë", "hello 😀\n")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", fields["timestamp"])


@pytest.mark.parametrize(
    ("message", "text"), [("x" * MAX_BODY, "a body has 1 to 65535 bytes"), ("\ud800", "not valid Unicode")]
)
def test_make_word_packet_refuses(message: str, text: str) -> None:
    """What doesn't fit, and what no UTF-8 can say."""
    with pytest.raises(PacketError, match=text):
        make_word_packet("alice", message)


def test_through_a_socketpair() -> None:
    """What one side sends the other side reads: classic, with fields, and of any type."""
    left, right = socket.socketpair()
    with left, right:
        send_message(left, "alice", "hello")
        send_message(left, "alice", "hi", room="tea", ref="r")
        send_packet(left, {"type": "NICK", "nickname": "alice"})
        left.shutdown(socket.SHUT_WR)
        first = read_message(right)
        assert (first["nickname"], first["message"]) == ("alice", "hello")
        assert read_message(right) == {"nickname": "alice", "message": "hi", "room": "tea", "ref": "r"}
        assert read_message(right) == {"type": "NICK", "nickname": "alice"}
        with pytest.raises(EOFError):
            read_message(right)


@streams
def test_the_streams_through_a_socketpair(stream: bytes, bodies: list[bytes], error: str | None) -> None:
    """The decoder on what a real socket gives."""
    left, right = socket.socketpair()
    with left, right:
        left.setblocking(False)
        pieces = []
        while stream:
            sent = left.send(stream)
            stream = stream[sent:]
            pieces.append(right.recv(1 << 20))
        left.close()
        while piece := right.recv(1 << 20):
            pieces.append(piece)
    assert_decodes(pieces, bodies, error)


@pytest.mark.parametrize("body", [{"x": float("nan")}, {"x": "\ud800"}, {"x": "y" * MAX_BODY}])
def test_send_packet_refuses(body: dict[str, object]) -> None:
    """Nothing was sent then."""
    left, right = socket.socketpair()
    with left, right:
        with pytest.raises(ValueError, match=r"."):
            send_packet(left, body)
        left.close()
        assert right.recv(1) == b""
