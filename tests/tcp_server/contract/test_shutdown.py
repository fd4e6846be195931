"""PROTOCOL.md section 4, Shutdown, held against running servers."""

import signal
import socket
import time

import pytest

from tcp_server.wordpacket import encode
from tests.conftest import StartServer
from tests.tcp_server.bridge import Bridge
from tests.tcp_server.client import Client, pack
from tests.tcp_server.conftest import Connect


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_shutdown_warns_waits_and_says_bye(start_server: StartServer, connect: Connect, number: signal.Signals) -> None:
    """NOTICE to all, the chat goes on for the delay without new connections, then BYE shutdown, and exit 0."""
    server = start_server("--shutdown-delay", "1")
    alice = connect("alice", port=server.port)
    unopened = connect(port=server.port)
    bridge = Bridge(server.port).linked()
    bridge.enter(1, "bob")
    alice.expect("JOIN")
    server.signal(number)
    notice = {"type": "NOTICE", "message": "Server shutting down in 1 second", "seconds": 1}
    assert alice.read() == unopened.read() == bridge.read() == notice
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", server.port)):
        pass
    assert alice.say("last words")["message"] == "last words"
    bridge.expect("MSG", room="lobby", message="last words")
    alice.assert_ends("shutdown")
    unopened.assert_ends("shutdown")
    bridge.assert_ends("shutdown", session=None)
    bridge.cut()
    assert server.wait() == 0


def test_the_notice_names_the_seconds(start_server: StartServer, connect: Connect) -> None:
    """A second signal ends it at once."""
    server = start_server("--shutdown-delay", "5")
    alice = connect("alice", port=server.port)
    server.signal(signal.SIGTERM)
    alice.expect("NOTICE", message="Server shutting down in 5 seconds", seconds=5)
    server.signal(signal.SIGINT)
    alice.assert_ends("shutdown")
    assert server.wait() == 0


def test_without_a_delay_there_is_no_notice(start_server: StartServer, connect: Connect) -> None:
    """Only the BYE."""
    server = start_server()
    alice = connect("alice", port=server.port)
    server.signal(signal.SIGTERM)
    alice.assert_ends("shutdown")
    assert server.wait() == 0


def test_what_was_sent_before_is_flushed(start_server: StartServer, connect: Connect) -> None:
    """Every echo that is in the log comes before the BYE, to a slow reader too."""
    server = start_server()
    alice = connect("alice", port=server.port)
    packet = encode(pack("MSG", {"room": "lobby", "message": "x" * 4000}))
    alice.send_bytes(packet * 300)
    first = alice.expect("MSG")
    server.signal(signal.SIGTERM)
    packets = alice.read_to_end()
    assert packets[-1]["type"] == "BYE"
    echoed = [first["id"], *(message["id"] for message in packets[:-1])]
    assert server.wait() == 0
    again = start_server()
    back = connect("alice", port=again.port, token=alice.ready["token"], after=0)
    logged = [message["id"] for message in back.sync()]
    assert logged == echoed


def test_who_takes_nothing_doesnt_hold_up_the_end(start_server: StartServer, connect: Connect) -> None:
    """Its last bytes are waited for, but a second signal cuts it off at once."""
    server = start_server()
    alice = connect("alice", port=server.port)
    slow = Client(server.port, lags=True)
    slow.greet()
    slow.open("slow")
    for _ in range(600):  # 4.8 MB, more than the kernel keeps for it
        alice.say("x" * 8000)
    server.signal(signal.SIGTERM)
    alice.find("BYE", reason="shutdown")
    started = time.monotonic()
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    assert time.monotonic() - started < 3
    slow.cut()
