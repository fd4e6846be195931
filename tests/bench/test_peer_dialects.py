"""The other protocols' packets are cut where they end, and their log-ins go as their servers want."""

from __future__ import annotations

import pytest

from tests.bench import payload
from tests.bench.dialects import Dialect
from tests.bench.load import DIALECTS
from tests.bench.payload import Stamp

TEXT = payload.write(Stamp(0, 0, 0, 1))
PACKETS = {
    "irc": [b":u!u@host PRIVMSG #bench0 :" + TEXT + b"\r\n", b"PING :bench.example\r\n"],
    "mqtt": [b"\x30" + bytes([len(TEXT) + 8]) + b"\0\6bench0" + TEXT, b"\x30\xac\x02" + b"x" * 300, b"\x20\2\0\0"],
    "nats": [b"MSG bench0 1 100\r\n" + TEXT + b"\r\n", b"PING\r\n", b"MSG bench0 1 2\r\n\r\n\r\n"],
}


@pytest.mark.parametrize("name", PACKETS)
def test_packets_are_cut_where_they_end(name: str) -> None:
    dialect, data, start = DIALECTS[name], b"".join(PACKETS[name]), 0
    for packet in PACKETS[name]:
        for missing in range(start, start + len(packet)):
            assert dialect.cut(data[:missing], start) == 0
        assert dialect.cut(data, start) == start + len(packet)
        start += len(packet)


def log_in(dialect: Dialect, *packets: bytes) -> list[bytes]:
    """Give a log-in what a server says; return what it sent. It must be done after the last packet."""
    login = dialect.login("u1", "bench0")
    said = [next(login)]
    for packet in packets[:-1]:
        said.append(login.send(packet))
    with pytest.raises(StopIteration):
        login.send(packets[-1])
    return [data for data in said if data]


def test_irc_answers_a_ping_while_it_logs_in() -> None:
    said = log_in(
        DIALECTS["irc"],
        b"PING :1\r\n",
        b":s 001 u1 :Welcome\r\n",
        b":u1 JOIN #bench0\r\n",
        b":s 366 u1 #bench0 :End\r\n",
    )
    assert said == [b"NICK u1\r\nUSER u1 0 * :u1\r\n", b"PONG :1\r\n", b"JOIN #bench0\r\n"]


def test_irc_reads_no_number_where_there_is_none() -> None:
    """A count of 433 in the text of a greeting is no refusal."""
    log_in(DIALECTS["irc"], b":s 001 u1 :Welcome\r\n", b":s 250 u1 :Highest count: 433 now\r\n", b":s 366 u1 :End\r\n")


@pytest.mark.parametrize(
    ("name", "refusal"),
    [("irc", b":s 433 * u1 :Nickname in use\r\n"), ("mqtt", b"\x20\2\0\5"), ("wp", b'\0\x10{"type":"HELLO"}')],
)
def test_a_refusal_is_said(name: str, refusal: bytes) -> None:
    login = DIALECTS[name].login("u1", "bench0")
    next(login)
    if name == "wp":
        login.send(refusal)  # the greeting; the refusal comes after it
        refusal = b'\0\x10{"type":"RETRY"}'
    with pytest.raises(ConnectionRefusedError):
        login.send(refusal)


def test_mqtt_and_nats_subscribe() -> None:
    assert len(log_in(DIALECTS["mqtt"], b"\x20\2\0\0", b"\x90\3\0\1\0")) == 2
    assert log_in(DIALECTS["nats"], b"INFO {}\r\n", b"PING\r\n", b"PONG\r\n")[1] == b"PONG\r\n"
