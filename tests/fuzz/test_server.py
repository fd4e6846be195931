"""Noise. Any bytes give packets, PacketError, MessageError or Refusal, never another exception; and any bytes on a
connection leave every other connection's echo coming.
"""

import contextlib
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tcp_server.chat.state import Session
from tcp_server.protocol import client_packets, server_packets
from tcp_server.protocol.client_packets import NotUtf8, Refusal
from tcp_server.protocol.server_packets import BODY_MAX, MessageError
from tcp_server.wordpacket import Decoder, PacketError
from tests.tcp_server import noise
from tests.tcp_server.client import Client
from tests.tcp_server.process import ServerProcess
from tests.tcp_server.stage import Stage

STREAMS = 60  # of each seed, over a real socket


def judge(body: bytes) -> None:
    """Read a body in both directions."""
    with contextlib.suppress(Refusal, NotUtf8):
        client_packets.parse(body)
    with contextlib.suppress(MessageError):
        server_packets.parse(body)


@pytest.mark.parametrize("seed", range(4))
def test_any_bytes_give_packets_or_their_errors(seed: int) -> None:
    """PacketError, MessageError or Refusal, never another exception."""
    dice = random.Random(seed)
    for _ in range(150):
        decoder = Decoder()
        data = noise.stream(dice, link=dice.random() < 0.3)
        with contextlib.suppress(PacketError):
            while data:
                size = dice.randrange(1, 4000)
                decoder.feed(data[:size])
                data = data[size:]
                for body in decoder:
                    judge(body)
            decoder.end()


@pytest.mark.parametrize("seed", range(8))
def test_the_hub_takes_any_bodies(seed: int) -> None:
    """Each session hears only whole packets that fit, and a bystander's echo comes."""
    dice = random.Random(seed)
    stage = Stage(grace_seconds=5.0)
    bystander = stage.enter("bystander", rooms=["lobby"])
    sessions: list[Session] = []
    for _ in range(400):
        if not sessions or dice.random() < 0.05:
            sessions.append(stage.connect())
        session = dice.choice(sessions)
        if dice.random() < 0.05:
            nickname = f"fuzz{dice.randrange(30)}"
            stage.receive(session, "NICK", nickname=nickname)
        elif dice.random() < 0.03:
            stage.cut(session)
            sessions.remove(session)
        elif session.busy:
            stage.hub.answered(session, b'{"type":"PONG"}')
            stage.apply()
        else:
            stage.receive_body(session, noise.body(dice))
            stage.apply()
        stage.wait(dice.choice([0, 0, 0.1]))
        for output in stage.outputs:
            body = getattr(output, "body", b"")
            assert len(body) <= BODY_MAX
        stage.forget()
    stage.receive(bystander, "MSG", room="lobby", message="still here")
    assert stage.take(bystander)[-1]["message"] == "still here"


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that forgets the noise's users at once; it must not have failed in the end."""
    folder: Path = tmp_path_factory.mktemp("fuzz") / "data"
    process = ServerProcess(folder, "--grace", "0")
    yield process
    process.stop()


@pytest.mark.parametrize("seed", range(6))
def test_any_bytes_on_a_connection_leave_every_other_echo_coming(target: ServerProcess, seed: int) -> None:
    """What comes back is packets, up to the end of the connection."""
    dice = random.Random(seed)
    alice = Client(target.port)
    alice.greet()
    alice.open(f"bystander{seed}", rooms=[f"quiet{seed}"])
    for number in range(STREAMS):
        client = Client(target.port)
        try:
            client.send_bytes(noise.stream(dice, link=number % 3 == 0))
            if dice.random() < 0.8:
                client.shut()
                while True:
                    server_packets.parse(without_session(client.read_body()))
        except (EOFError, OSError):
            pass  # the server was faster: it had enough
        finally:
            client.cut()
        assert alice.say(str(number), f"quiet{seed}")["message"] == str(number), f"seed {seed}, stream {number}"
    alice.leave()


def without_session(body: bytes) -> bytes:
    """A link's key is first; a MessageError without it would be a broken packet."""
    if body.startswith(b'{"session":'):
        return b"{" + body[body.index(b",") + 1 :]
    return body
