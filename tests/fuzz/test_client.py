"""Whatever a server sends, the client neither falls over nor shows anything raw."""

import contextlib
import json
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli_client.chat.book import START_TARGET
from cli_client.chat.completion import complete
from cli_client.chat.display import bounded, defuse_line
from cli_client.chat.effects import Ask, Effect, Purpose, Show
from cli_client.chat.session import ChatSession
from cli_client.library.connect import ConnectionState, ConnectionStatus
from cli_client.library.events import NotLetIn
from cli_client.library.outbox import Outbox
from cli_client.library.outputs import Answered, Hangup, Happened
from cli_client.library.resume import ResumingSession
from cli_client.library.text import escape_json
from cli_client.pipe.plain import format_line
from cli_client.screen.paint import Columns, paint
from cli_client.screen.prompting import known
from cli_client.screen.scrollback import Scrollback
from cli_client.screen.status import input_prompt, status_bar, topic_bar
from tcp_server.protocol import client_packets, server_packets
from tcp_server.wordpacket import MAX_BODY
from tests.cost import cost_on
from tests.fuzz.test_cost import BOUND_SECONDS, texts, values

NOW = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
TURNING = "\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
TYPES = [
    "HELLO",
    "READY",
    "RETRY",
    "MSG",
    "JOIN",
    "LEAVE",
    "TOPIC",
    "NICK",
    "TYPING",
    "ROOM",
    "ROOMS",
    "USERS",
    "HISTORY",
    "SEARCH",
    "PING",
    "PONG",
    "NOTICE",
    "GAP",
    "ERROR",
    "BYE",
    "RESUME",
    "FUTURE",
]
EVIL = "b\x1b[31mo\x9b\x85b\x07\x7f\u202e\u2066\u2028x"  # what a terminal obeys, or turns its text around
names = st.sampled_from(["alice", "bob", "lobby", "dev", "ＡＬＩＣＥ", "", EVIL, "日本", "שלום"])
lines = st.one_of(names, st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
ids = st.integers(-1, 6)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "nickname": names,
    "old": names,
    "room": names,
    "to": names,
    "message": lines,
    "topic": lines,
    "timestamp": lines,
    "reason": lines,
    "code": lines,
    "query": lines,
    "ref": st.sampled_from(["r1", "opening-1", "x"]),
    "id": ids,
    "after": ids,
    "count": ids,
    "more": st.booleans(),
    "resumed": st.booleans(),
    "action": st.booleans(),
    "rooms": st.lists(names, max_size=3),
    "users": st.lists(names, max_size=3),
    "epoch": names,
    "token": names,
    "protocol": st.sampled_from([1, 1, 1, 2]),
    "server": lines,
    "version": lines,
    "limits": st.just({}),
    "server_password": st.booleans(),
    "messages": st.just([]),
}
packets = st.fixed_dictionaries({"type": st.sampled_from(TYPES), **FIELDS}).flatmap(
    lambda packet: st.sets(st.sampled_from(sorted(FIELDS)), max_size=3).map(
        lambda missing: {key: value for key, value in packet.items() if key not in missing}
    )
)


def text(row: Any) -> str:
    return "".join(part for _, part, *_ in row)


def assert_harmless(shown: str) -> None:
    """No control character, and no character that turns the text beside it around (the client's own mark is none)."""
    assert not [c for c in shown if (unicodedata.category(c) == "Cc" and c != "\t") or c in TURNING], repr(shown)


@settings(max_examples=150)
@given(st.lists(packets, max_size=12))
def test_any_packets_are_taken_or_refused(sent: list[dict[str, Any]]) -> None:
    """Any sequence of packets gives outputs or MessageError, and views that can be painted without harm."""
    alice = ResumingSession("alice", ["lobby"], outbox=Outbox(lambda: "r1"))
    alice.outbox.add("hello", room="lobby")
    session = ChatSession("alice", NOW)
    alice.connected(0)
    for number, packet in enumerate(sent):
        try:
            outputs = list(alice.received(msgspec.json.encode(packet), number))
        except server_packets.MessageError:
            continue
        for output in outputs:
            if isinstance(output, Happened):
                session.received(output.event, NOW)
    alice.ended()
    for view in session.book.views:
        for line in view.lines:
            for row in paint(line, Columns(40), "alice"):
                assert_harmless(text(row))
            assert_harmless(format_line(view.target, line))
        assert_harmless(text(topic_bar(view, 40)))
    assert session.book.current.target == START_TARGET or session.book.current in session.book.views


@settings(max_examples=100)
@given(st.binary(max_size=60))
def test_any_bytes_are_taken_or_refused(body: bytes) -> None:
    """Any body gives outputs or MessageError, never another exception."""
    alice = ResumingSession("alice", outbox=Outbox(lambda: "r1"))
    alice.connected(0)
    with contextlib.suppress(server_packets.MessageError):
        list(alice.received(body, 0))


def evil_value(kind: Any, value: str) -> Any:
    """Return a value of a field's type in which every text is this one."""
    match kind:
        case msgspec.inspect.StrType():
            return value
        case msgspec.inspect.ListType(item_type=item):
            return [evil_value(item, value)]
        case msgspec.inspect.StructType(cls=struct):
            return evil_packet(struct, value)
        case msgspec.inspect.UnionType(types=types):
            return evil_value(next(kind for kind in types if not isinstance(kind, msgspec.inspect.NoneType)), value)
        case msgspec.inspect.BoolType():
            return False
        case _:
            return 5


def evil_packet(struct: type[msgspec.Struct], value: str) -> dict[str, Any]:
    info = msgspec.inspect.type_info(struct)
    assert isinstance(info, msgspec.inspect.StructType)
    packet = {field.encode_name: evil_value(field.type, value) for field in info.fields}
    if info.tag is not None:
        packet["type"] = info.tag
    return packet


class Victim:
    """A client in the chat, in one of its faces, and everything that it would show."""

    def __init__(self, *, paged: bool = True, asked: Sequence[Ask] = ()) -> None:
        self.asked = asked
        self.library = ResumingSession("alice", ["lobby"], outbox=Outbox(lambda: "r1"))
        self.chat = ChatSession("alice", NOW, paged=paged)
        self.said: list[str] = []
        self.library.connected(0)
        for packet in (
            server_packets.Hello(
                protocol=1, server="s", version="1", limits=server_packets.Limits(), server_password=False
            ),
            server_packets.Ready(nickname="alice", token="t", epoch="e", id=0, rooms=["lobby"], resumed=False),
            server_packets.Pong(id=0, ref="opening-1"),
        ):
            self.hear(server_packets.format(packet))

    def hear(self, body: bytes) -> None:
        """Take a body as an event, as an answer, or as the end of the connection; the words of a pipe are kept."""
        effects: list[Effect] = []
        for output in self.library.received(body, 0):
            match output:
                case Happened(event, _):
                    effects += self.chat.received(event, NOW)
                    if isinstance(event, NotLetIn):
                        self.said.append(defuse_line(bounded(event.text)))
                case Answered(_, server_packets.Error() | server_packets.Retry() as refusal, _):
                    effects += self.chat.refused(ASKED[0], refusal.message, NOW)
                case Answered(_, packet, _):
                    for ask in self.asked:
                        effects += self.chat.answered(ask, packet, NOW)
                case Hangup(reason):
                    gone = ConnectionStatus(ConnectionState.OFFLINE, reason)
                    self.said.append(text(status_bar(self.chat.book, gone, 0, 0, NOW, 200)))
        self.said += [format_line(effect.target, effect.line) for effect in effects if isinstance(effect, Show)]

    def draw(self) -> None:
        """Draw the screen as it is."""
        book = self.chat.book
        status_bar(book, ConnectionStatus(ConnectionState.LIVE), 1, 1, NOW, 80)
        topic_bar(book.current, 80)
        Scrollback(book).create_content(80, 22)

    def look(self) -> None:
        """Draw everything that a screen can show."""
        book = self.chat.book
        self.chat.typed("/switch", NOW)
        live = ConnectionStatus(ConnectionState.LIVE)
        self.said.append(text(status_bar(book, live, 1, 1, NOW, 200)))
        for view in book.views:
            book.switch(view.target)
            self.said += [text(topic_bar(view, 200)), text(input_prompt(book, 0, 0))]
            self.said += [f"{proposal.label} {proposal.detail}" for proposal in complete("b", known(book))[1]]
            for line in view.lines:
                self.said += [text(row) for width in (30, 50, 80) for row in paint(line, Columns(width), book.nickname)]
            self.chat.look_back()


ASKED = (
    Ask(client_packets.Search(query="b", limit=10)),
    Ask(client_packets.History(limit=10), "#lobby", Purpose.PRINT),
    Ask(client_packets.History(limit=10), "#lobby", Purpose.OLDER),
    Ask(client_packets.History(limit=10), "#lobby", Purpose.CONTEXT, number=1),
)


@pytest.mark.parametrize("paged", [True, False], ids=["terminal", "pipe"])
@pytest.mark.parametrize("value", [EVIL, "", " ", "x" * 70, "\u0301" * 40, "#@/", "שלום"])
def test_a_hostile_server_reaches_neither_screen_nor_pipe(value: str, paged: bool) -> None:
    """Every text of every packet is such a value: nothing raises, and nothing raw is shown."""
    for struct in server_packets.PACKETS.values():
        victim = Victim(paged=paged, asked=ASKED)
        packet = evil_packet(struct, value)
        for changes in ({}, {"room": "lobby"}, {"nickname": "alice"}, {"old": "alice"}, {"to": value, "room": "lobby"}):
            sent = packet | {key: what for key, what in changes.items() if key in packet}
            with contextlib.suppress(server_packets.MessageError):
                victim.hear(msgspec.json.encode(sent))
            victim.look()
        for shown in victim.said:
            assert_harmless(shown)


def test_a_hostile_servers_own_words_are_harmless_in_json() -> None:
    """The bodies that a pipe writes as they are."""
    for struct in server_packets.PACKETS.values():
        body = msgspec.json.encode(evil_packet(struct, EVIL))
        written = escape_json(body)
        assert_harmless(written.decode())
        assert msgspec.json.decode(written) == msgspec.json.decode(body)


def bodies(kind: str) -> Iterator[bytes]:
    """Each field of a packet with each dear value, alone and in a list, the others as they should be."""
    struct = server_packets.PACKETS[kind]
    good = evil_packet(struct, "lobby")
    message = evil_packet(server_packets.Msg, "lobby")
    good.pop("to", None)
    message.pop("to", None)
    for field in struct.__struct_encode_fields__:
        for value in values():
            yield json.dumps(good | {field: value}, ensure_ascii=False).encode()
    if "messages" in good:
        for value in texts():
            yield json.dumps(good | {"messages": [message | {"message": value}]}, ensure_ascii=False).encode()
        for number in (200, 700):
            few = [message | {"id": 9 + n, "message": "x"} for n in range(number)]
            yield json.dumps(good | {"messages": few}, ensure_ascii=False, separators=(",", ":")).encode()


@pytest.mark.parametrize("kind", sorted(server_packets.PACKETS))
def test_a_body_costs_a_client_little(kind: str) -> None:
    """Parsing, the session, the views, and drawing the line that it made, on both faces."""
    for body in bodies(kind):
        if len(body) > MAX_BODY:
            continue
        for paged in (True, False):
            asked = ASKED[:1] if kind == "SEARCH" else ASKED[2:3]

            def take(victim: Victim, body: bytes = body, paged: bool = paged) -> None:
                with contextlib.suppress(server_packets.MessageError):
                    victim.hear(body)
                if paged:
                    victim.draw()

            spent = cost_on(partial(Victim, paged=paged, asked=asked), take, BOUND_SECONDS)
            assert spent < BOUND_SECONDS, f"{spent * 1000:.1f} ms, {'terminal' if paged else 'pipe'}: {body[:90]!r}"
