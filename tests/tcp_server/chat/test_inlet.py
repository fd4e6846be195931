"""The inlet: two hubs that are fed alike stay alike, whatever the machine that feeds them."""

import random
from typing import Any

import msgspec
import pytest

from tcp_server.chat.hub import Hub
from tcp_server.chat.inlet import Inlet
from tcp_server.chat.outputs import Output
from tcp_server.chat.state import Session
from tcp_server.chat.steps import ChatSettings
from tcp_server.protocol.client_packets import ClientPacket, NotUtf8, Refusal
from tests.tcp_server import noise
from tests.tcp_server.stage import KEY, Stage, moment

STEPS = 1_500


class Recorder(Stage):
    """A stage that notes each call of its hub's inlet, with sessions by their numbers."""

    def __init__(self) -> None:
        super().__init__(grace_seconds=5)
        self.calls: list[tuple[str, Any]] = []
        self.sessions: list[Session] = []

    def connect(self) -> Session:
        self._note("connected", None)
        session = self.hub.connected(None, self.front.hello, self.now)
        self.sessions.append(session)
        self.apply()
        return session

    def receive_body(self, session: Session, body: bytes) -> None:
        try:
            packet = self.front.read(body)
        except Refusal as refusal:
            self._note("refused", (self._number(session), refusal))
            if self.hub.refused(session, refusal):
                self.end(session, "protocol", "10 bad packets")
        except NotUtf8 as error:
            self.end(session, "protocol", str(error))
        else:
            self._note("received", (self._number(session), packet))
            self.hub.received(session, packet, self.now)
        self.apply()

    def end(self, session: Session, reason: Any, message: str = "") -> None:
        self._note("end", (self._number(session), reason, message))
        super().end(session, reason, message)

    def answer(self, session: Session) -> None:
        self._note("answered", self._number(session))
        self.hub.answered(session, b'{"type":"PONG"}')
        self.apply()

    def _time_passed(self) -> None:
        self._note("time", None)
        super()._time_passed()

    def _note(self, kind: str, what: Any) -> None:
        self.calls.append((kind, (self.seconds, what)))

    def _number(self, session: Session) -> int:
        return self.sessions.index(session)


def replay(calls: list[tuple[str, Any]]) -> tuple[Hub, list[Output]]:
    """Feed another hub the same, as another machine would."""
    hub = Hub(ChatSettings("epoch", KEY, 5))
    inlet: Inlet = hub
    hello = Stage().front.hello
    sessions: list[Session] = []
    outputs: list[Output] = []
    for kind, (seconds, what) in calls:
        now = moment(seconds)
        match kind, what:
            case "connected", _:
                sessions.append(inlet.connected(None, hello, now))
            case "received", (number, packet):
                assert isinstance(packet, ClientPacket)
                inlet.received(sessions[number], packet, now)
            case "refused", (number, refusal):
                inlet.refused(sessions[number], refusal)
            case "end", (number, reason, message):
                inlet.close(sessions[number], reason, message)
                inlet.hold(sessions[number], now)
            case "answered", number:
                inlet.answered(sessions[number], b'{"type":"PONG"}')
            case "time", _:
                inlet.run_timers(now)
                inlet.expire(now)
        outputs += hub.take_outputs()
    return hub, outputs


def state(hub: Hub) -> Any:
    """The users and rooms of a hub, as plain values in their order."""
    users = hub.directory.users
    rooms = hub.directory.rooms
    return (
        [
            (key, user.uid, user.nickname, [room.key for room in user.rooms], len(user.sessions))
            for key, user in users.items()
        ],
        [(key, room.name, room.topic, list(room.members), room.nicknames()) for key, room in rooms.items()],
        [room.key for room in hub.directory.peopled("", 10_000)],
        hub.next_due(),
    )


def fields_of(output: Output) -> tuple[str, ...]:
    kind = type(output)
    return kind.__struct_fields__ if issubclass(kind, msgspec.Struct) else kind.__slots__


def described(outputs: list[Output]) -> list[list[Any]]:
    """Outputs as values: sessions by the order of their appearance, rooms and users by their keys."""
    numbers: dict[int, int] = {}

    def plain(value: Any) -> Any:
        if isinstance(value, Session):
            return numbers.setdefault(id(value), len(numbers))
        if isinstance(value, tuple):
            return [plain(one) for one in value]
        return getattr(value, "key", value)

    return [
        [type(output).__name__, *(plain(getattr(output, name)) for name in fields_of(output))] for output in outputs
    ]


@pytest.mark.parametrize("seed", range(4))
def test_two_hubs_fed_alike_stay_alike(seed: int) -> None:
    """The same inputs in the same order give the same state and the same outputs."""
    dice = random.Random(seed)
    stage = Recorder()
    sessions: list[Session] = []
    for step in range(STEPS):
        if not sessions or (dice.random() < 0.1 and len(sessions) < 12):
            sessions.append(stage.connect())
        session = dice.choice(sessions)
        luck = dice.random()
        if luck < 0.15:
            stage.receive(session, "NICK", nickname=f"fuzz{dice.randrange(20)}", rooms=[f"room{dice.randrange(4)}"])
        elif luck < 0.2:
            stage.end(session, dice.choice([None, "slow"]), "test")
            sessions.remove(session)
        elif session.busy:
            stage.answer(session)
        elif luck < 0.6:
            room = f"Room{dice.randrange(4)}"
            kind, fields = dice.choice(
                [
                    ("JOIN", {}),
                    ("LEAVE", {"message": "bye"}),
                    ("TOPIC", {"topic": str(step)}),
                    ("MSG", {"message": str(step), "ref": f"r{dice.randrange(50)}"}),
                ]
            )
            stage.receive(session, kind, room=room, **fields)
        else:
            stage.receive_body(session, noise.body(dice))
        stage.wait(dice.choice([0, 0, 0.5, 2]))
    other, outputs = replay(stage.calls)
    assert state(other) == state(stage.hub)
    assert other.directory.take_changes() == stage.hub.directory.take_changes()
    assert described(outputs) == described(stage.outputs)
    assert any(output[0] == "Draft" for output in described(outputs))
