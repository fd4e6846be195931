"""Fixtures of the screen's tests."""

import pytest

from cli_client.chat.session import ChatSession
from tcp_server.protocol import server_packets
from tests.cli_client.screen.rows import NOW


@pytest.fixture
def session() -> ChatSession:
    made = ChatSession("alice", NOW)
    made.received(server_packets.Ready(nickname="alice", rooms=["lobby", "dev"]), NOW)
    users = ["alice", "bob", "Bert", "carol"]
    made.received(server_packets.RoomState(room="lobby", count=4, topic="the\ttopic", users=users, id=0), NOW)
    return made
