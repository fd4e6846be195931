"""WebSocket frames as bytes: outgoing frames, and every rule for incoming ones."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Close, Frame, Opcode

from tcp_server.wordpacket import MAX_BODY
from tests.cost import cost
from ws_bridge.frames import CONTROLS_BURST, CONTROLS_PER_SECOND, FRAGMENTS_MAX, Receiver, text_frame


def sent(payload: bytes, opcode: Opcode = Opcode.TEXT, fin: bool = True) -> bytes:
    """Return a frame with a browser's mask."""
    return Frame(opcode, payload, fin).serialize(mask=True)


def read(receiver: Receiver, data: bytes) -> list[bytes]:
    """Return the messages that `data` completes."""
    receiver.receive(data)
    return list(iter(receiver.next_message, None))


def answers(receiver: Receiver) -> Iterator[tuple[Opcode, bytes]]:
    """Yield the receiver's control frames, without the half-close."""
    pieces, receiver.data_to_send = receiver.data_to_send, None
    for data in pieces or ():
        if data:
            assert data[1] == len(data) - 2
            yield Opcode(data[0] & 0x0F), data[2:]


def close_code(receiver: Receiver) -> int:
    (answer,) = answers(receiver)
    assert answer[0] is Opcode.CLOSE
    assert not receiver.open
    return int(Close.parse(answer[1]).code)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535])
def test_text_frame_is_what_the_library_makes(size: int) -> None:
    """The header is the shortest that holds the length."""
    body = b"x" * size
    assert text_frame(body) == Frame(Opcode.TEXT, body).serialize(mask=False)


@pytest.mark.parametrize("size", [0, 1, 3, 125, 126, 1000, MAX_BODY])
def test_a_message_is_read(size: int) -> None:
    """Whole, byte by byte, and with the next one behind it."""
    message = (os.urandom(size).hex()[:size]).encode()
    frame = sent(message)
    assert read(Receiver(), frame) == [message]
    assert read(Receiver(), frame + sent(b"next")) == [message, b"next"]
    receiver = Receiver()
    pieces = [frame[i : i + 1] for i in range(20)] + [frame[20:]]
    assert [m for piece in pieces for m in read(receiver, piece)] == [message]
    assert receiver.data_to_send is None


def test_fragments_are_joined() -> None:
    """A message in parts, with a ping between them and a whole message behind."""
    receiver = Receiver()
    data = (
        sent("grü".encode()[:3], fin=False)
        + sent(b"are you there", Opcode.PING)
        + sent("grü".encode()[3:], Opcode.CONT, fin=False)
        + sent(b"", Opcode.CONT)
        + sent(b"whole")
    )
    assert read(receiver, data) == ["grü".encode(), b"whole"]
    assert list(answers(receiver)) == [(Opcode.PONG, b"are you there")]
    assert receiver.open


def test_ping_is_answered_and_pong_ignored() -> None:
    """Control frames give no message."""
    receiver = Receiver()
    assert read(receiver, sent(b"1", Opcode.PING) + sent(b"", Opcode.PONG) + sent(b"2", Opcode.PING)) == []
    assert list(answers(receiver)) == [(Opcode.PONG, b"1"), (Opcode.PONG, b"2")]


def test_the_most_fragments() -> None:
    """As many as are allowed are joined, and the next message may have as many again."""
    receiver = Receiver()
    one = sent(b"x", fin=False) + sent(b"x", Opcode.CONT, fin=False) * (FRAGMENTS_MAX - 2) + sent(b"", Opcode.CONT)
    assert read(receiver, one + one) == [b"x" * (FRAGMENTS_MAX - 1)] * 2
    assert receiver.open


@pytest.mark.parametrize("opcode", [Opcode.PING, Opcode.PONG])
def test_the_pace_of_control_frames(opcode: Opcode) -> None:
    """A burst is allowed, and after it so many a second for ever; one more closes."""
    now = 1000.0
    receiver = Receiver(lambda: now)
    read(receiver, sent(b"", opcode) * CONTROLS_BURST)
    for _ in range(3):
        now += 1
        read(receiver, sent(b"", opcode) * CONTROLS_PER_SECOND)
        assert receiver.open
    receiver.data_to_send = None
    read(receiver, sent(b"", opcode))
    assert close_code(receiver) == 1008


@pytest.mark.parametrize(
    "data",
    [
        sent(b"", fin=False) + sent(b"", Opcode.CONT, fin=False) * 60_000,
        sent(b"x", fin=False) + sent(b"x", Opcode.CONT, fin=False) * 60_000,
        sent(b"", Opcode.PING) * 60_000,
        sent(b"", Opcode.PONG) * 60_000,
        sent(b"x", Opcode.BINARY) * 60_000,
        sent(b"x", fin=False) + sent(b"", Opcode.PING) * 60_000,
    ],
    ids=["empty fragments", "fragments", "pings", "pongs", "binary", "pings in a message"],
)
def test_a_flood_costs_little(data: bytes) -> None:
    """60,000 frames, in segments of a network, cost under 50 ms of this thread."""

    def take() -> None:
        receiver = Receiver()
        for start in range(0, len(data), 1400):
            read(receiver, data[start : start + 1400])
        assert not receiver.open

    assert cost(take, 0.05) < 0.05


def test_messages_are_read_one_by_one() -> None:
    """Who stops between two messages goes on there, with further bytes behind them."""
    receiver = Receiver()
    receiver.receive(sent(b"1") + sent(b"2"))
    assert receiver.next_message() == b"1"
    assert receiver.has_more
    receiver.receive(sent(b"3"))
    assert [receiver.next_message() for _ in range(3)] == [b"2", b"3", None]
    assert not receiver.has_more


def test_nothing_is_read_after_the_end() -> None:
    """Neither the bytes that wait nor later ones."""
    receiver = Receiver()
    receiver.receive(sent(b"1") + sent(b"2"))
    receiver.end()
    assert read(receiver, sent(b"3")) == []


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (sent(b"x", Opcode.BINARY), 1003),
        (sent(b"x", Opcode.BINARY, fin=False), 1003),
        (sent(b"x" * (MAX_BODY + 1)), 1009),
        (sent(b"x" * (MAX_BODY + 1))[:10], 1009),
        (sent(b"x" * MAX_BODY, fin=False) + sent(b"x", Opcode.CONT), 1009),
        (b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff", 1009),
        (sent(b"\xff"), 1007),
        (sent(b"\xed\xa0\x80"), 1007),
        (sent(b"\xc3", fin=False) + sent(b"", Opcode.CONT), 1007),
        (text_frame(b"not masked"), 1002),
        (b"\xc1\x80\0\0\0\0", 1002),
        (b"\x83\x80\0\0\0\0", 1002),
        (sent(b"", Opcode.CONT), 1002),
        (sent(b"x", fin=False) + sent(b"y"), 1002),
        (b"\x89\xfe\x00\x7e\0\0\0\0" + b"x" * 126, 1002),
        (b"\x09\x80\0\0\0\0", 1002),
        (sent(b"x", Opcode.CLOSE), 1002),
        (sent((999).to_bytes(2, "big"), Opcode.CLOSE), 1002),
        (sent(b"\x03\xe8\xff", Opcode.CLOSE), 1007),
        (sent(b"", fin=False), 1008),
        (sent(b"x", fin=False) + sent(b"", Opcode.CONT, fin=False), 1008),
        (sent(b"x", fin=False) + b"\x00\xfe\x00\x00\0\0\0\0", 1008),
        (sent(b"x", fin=False) + sent(b"x", Opcode.CONT, fin=False) * FRAGMENTS_MAX, 1008),
        (sent(b"x", fin=False) + sent(b"", Opcode.PING) * (CONTROLS_BURST + 1), 1008),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else "frames",  # their masks are random
)
def test_a_fault_closes(data: bytes, code: int) -> None:
    """Each breach of the rules has its close code; the messages before it count."""
    receiver = Receiver()
    assert read(receiver, sent(b"good") + data) == [b"good"]
    *pongs, (opcode, payload) = answers(receiver)
    assert {kind for kind, _ in pongs} <= {Opcode.PONG}
    assert (opcode, Close.parse(payload).code, receiver.open) == (Opcode.CLOSE, code, False)


def test_nothing_counts_after_a_fault() -> None:
    """Once closing has begun, further messages are ignored."""
    receiver = Receiver()
    assert read(receiver, sent(b"x", Opcode.BINARY) + sent(b"late")) == []
    assert close_code(receiver) == 1003
    assert read(receiver, sent(b"later")) == []
    receiver.close(1000, "")
    assert receiver.data_to_send is None


def test_a_fault_after_the_bridge_closed() -> None:
    """Ends the stream without a second close frame."""
    receiver = Receiver()
    receiver.close(1001, "gone")
    assert close_code(receiver) == 1001
    assert read(receiver, text_frame(b"not masked")) == []
    assert receiver.data_to_send == [b""]


def test_the_browser_closes() -> None:
    """Its close frame is answered with the same code and a half-close."""
    receiver = Receiver()
    assert read(receiver, sent(Close(1001, "bye").serialize(), Opcode.CLOSE)) == []
    assert receiver.data_to_send is not None
    frame, end = receiver.data_to_send
    assert (frame[0] & 0x0F, end) == (Opcode.CLOSE, b"")
    assert not receiver.open


def test_the_bridge_closes() -> None:
    """Its own close frame goes out once; the browser's answer ends the stream."""
    receiver = Receiver()
    receiver.close(1001, "gone")
    receiver.close(1000, "twice")
    assert close_code(receiver) == 1001
    assert read(receiver, sent(b"crossing") + sent(Close(1001, "").serialize(), Opcode.CLOSE)) == []
    assert receiver.data_to_send == [b""]


@given(st.binary(max_size=400), st.integers(1, 40))
def test_any_bytes(data: bytes, step: int) -> None:
    """Any bytes give messages in UTF-8, an open or a closing receiver, and never an exception."""
    receiver = Receiver()
    for start in range(0, len(data), step):
        for message in read(receiver, data[start : start + step]):
            message.decode()
        assert receiver.open or receiver.data_to_send


@given(st.lists(st.text(max_size=300), max_size=8), st.data())
def test_any_cut(texts: list[str], data: st.DataObject) -> None:
    """However TCP cuts the stream, the same messages come out in the same order."""
    stream = b"".join(sent(text.encode()) for text in texts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    receiver = Receiver()
    received: list[bytes] = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        received += read(receiver, stream[start:end])
    assert received == [text.encode() for text in texts]
