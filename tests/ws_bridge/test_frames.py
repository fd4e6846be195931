"""WebSocket frames as bytes: outgoing frames, and every rule for incoming ones."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Close, Frame, Opcode

from tcp_server.wordpacket import MAX_BODY
from ws_bridge.frames import Receiver, text_frame


def sent(payload: bytes, opcode: Opcode = Opcode.TEXT, fin: bool = True) -> bytes:
    """Return a frame with a browser's mask."""
    return Frame(opcode, payload, fin).serialize(mask=True)


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
    assert Receiver().receive(frame) == [message]
    assert Receiver().receive(frame + sent(b"next")) == [message, b"next"]
    receiver = Receiver()
    pieces = [frame[i : i + 1] for i in range(20)] + [frame[20:]]
    assert [m for piece in pieces for m in receiver.receive(piece)] == [message]
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
    assert receiver.receive(data) == ["grü".encode(), b"whole"]
    assert list(answers(receiver)) == [(Opcode.PONG, b"are you there")]
    assert receiver.open


def test_ping_is_answered_and_pong_ignored() -> None:
    """Control frames give no message."""
    receiver = Receiver()
    assert receiver.receive(sent(b"1", Opcode.PING) + sent(b"", Opcode.PONG) + sent(b"2", Opcode.PING)) == []
    assert list(answers(receiver)) == [(Opcode.PONG, b"1"), (Opcode.PONG, b"2")]


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
    ],
    ids=lambda value: str(value) if isinstance(value, int) else "frames",  # their masks are random
)
def test_a_fault_closes(data: bytes, code: int) -> None:
    """Each breach of the rules has its close code; the messages before it count."""
    receiver = Receiver()
    assert receiver.receive(sent(b"good") + data) == [b"good"]
    assert close_code(receiver) == code


def test_nothing_counts_after_a_fault() -> None:
    """Once closing has begun, further messages are ignored."""
    receiver = Receiver()
    assert receiver.receive(sent(b"x", Opcode.BINARY) + sent(b"late")) == []
    assert close_code(receiver) == 1003
    assert receiver.receive(sent(b"later")) == []
    receiver.close(1000, "")
    assert receiver.data_to_send is None


def test_the_browser_closes() -> None:
    """Its close frame is answered with the same code and a half-close."""
    receiver = Receiver()
    assert receiver.receive(sent(Close(1001, "bye").serialize(), Opcode.CLOSE)) == []
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
    receiver.receive(sent(Close(1001, "").serialize(), Opcode.CLOSE))
    assert receiver.data_to_send == [b""]


@given(st.binary(max_size=400), st.integers(1, 40))
def test_any_bytes(data: bytes, step: int) -> None:
    """Any bytes give messages in UTF-8, an open or a closing receiver, and never an exception."""
    receiver = Receiver()
    for start in range(0, len(data), step):
        for message in receiver.receive(data[start : start + step]):
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
        received += receiver.receive(stream[start:end])
    assert received == [text.encode() for text in texts]
