"""How a client begins: its nickname, its store, and the questions to the person."""

import asyncio
import getpass
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from cli_client.library.errors import Unreachable
from cli_client.library.memory import Memory
from cli_client.library.outbox import Outgoing
from cli_client.library.store import Store
from cli_client.opening import Wanted, login_nickname, make_client, open_store, run_terminal
from tcp_server.protocol import client_packets, names, server_packets
from tests.cli_client.scripted_server import ScriptedServer

SECONDS = 10


def wanted(server: ScriptedServer, folder: Path, nickname: str = "alice") -> Wanted:
    return Wanted("127.0.0.1", server.port, nickname, ("lobby",), folder=folder)


async def test_a_taken_nickname_asks_for_another(
    server: ScriptedServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As often as it takes; a password is asked for by whose it is; then the chat begins."""
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        running = asyncio.create_task(run_terminal(wanted(server, tmp_path)))
        peer = await server.accepted()
        await peer.greet()
        peer.say(server_packets.Retry(nickname="alice", reason="taken", message="alice is taken"))
        await peer.closed()
        keys.send_text("not a name\r")
        keys.send_text("bob\r")
        peer = await server.accepted()
        assert (await peer.greet()).nickname == "bob"
        peer.say(server_packets.Retry(nickname="bob", reason="registered", message="bob needs a password"))
        await peer.closed()
        keys.send_text("secret\r")
        peer = await server.accepted()
        assert (await peer.greet()).password == "secret"
        peer.say(server_packets.Retry(nickname="bob", reason="password", message="the server's password is wrong"))
        await peer.closed()
        keys.send_text("open sesame\r")
        peer = await server.accepted()
        nick = await peer.greet(motd="hello there", server_password=True)
        assert (nick.nickname, nick.password, nick.server_password) == ("bob", "secret", "open sesame")
        ready = server_packets.Ready(nickname="bob", token="t", epoch="e", id=0, rooms=["lobby"], resumed=False)
        peer.say(ready)
        await peer.pong(0)
        keys.send_text("unsent\r")
        await peer.expect(client_packets.Msg)
        keys.send_text("/quit\r")
        await peer.expect(client_packets.Bye)
        async with asyncio.timeout(SECONDS):
            await running
    out, err = capsys.readouterr()
    assert out == "wordpacket: messages not sent yet (1) will be sent when you come back as bob\n"
    assert err.splitlines() == [
        "wordpacket: alice is taken",
        "wordpacket: a nickname may not hold U+0020",
        "wordpacket: bob needs a password",
        "wordpacket: the server's password is wrong",
    ]


async def test_no_other_nickname_is_an_end(server: ScriptedServer, tmp_path: Path) -> None:
    """Ctrl-D at the question ends the program."""
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        running = asyncio.create_task(run_terminal(wanted(server, tmp_path)))
        peer = await server.accepted()
        await peer.greet()
        peer.say(server_packets.Retry(nickname="alice", reason="taken", message="alice is taken"))
        await peer.closed()
        keys.send_text("\x04")
        with pytest.raises(EOFError):
            await running


async def test_no_server_is_an_error_before_the_screen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The screen is not even opened where nobody was ever let in: the address may be wrong."""
    async with ScriptedServer() as gone:
        pass
    with pytest.raises(Unreachable):
        await run_terminal(wanted(gone, tmp_path))
    assert capsys.readouterr().err == ""


async def test_what_was_kept_is_shown_without_a_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The rooms and the unsent messages of the last time; what is written now is kept, too."""
    async with ScriptedServer() as gone:
        pass
    store = Store.open("127.0.0.1", gone.port, "alice", tmp_path)
    store.save(Memory("alice", ["lobby", "dev"], "token", "e", 5, [Outgoing("r1", "not sent yet", room="dev")]))
    store.close()
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        keys.send_text("and this\r/quit\r")
        async with asyncio.timeout(SECONDS):
            await run_terminal(wanted(gone, tmp_path))
    assert capsys.readouterr().out == "wordpacket: messages not sent yet (2) will be sent when you come back as alice\n"
    store = Store.open("127.0.0.1", gone.port, "alice", tmp_path)
    kept = store.load()
    assert kept is not None
    assert [(entry.room, entry.message) for entry in kept.outgoing] == [("dev", "not sent yet"), ("lobby", "and this")]
    store.close()


async def test_two_clients_share_the_token(server: ScriptedServer, tmp_path: Path) -> None:
    """Each has an outbox of its own; one whose folder can't be written runs without."""
    store = Store.open("127.0.0.1", server.port, "alice", tmp_path)
    store.save(Memory("alice", ["lobby"], "token", "e", 5, [Outgoing("r1", "the first one's", room="lobby")]))
    second, notes = open_store(wanted(server, tmp_path), "alice")
    assert second is not None
    assert notes == []
    client = make_client(wanted(server, tmp_path), "alice", None, second)
    assert client.was_here
    assert client.outgoing == []
    await client.close()
    store.close()
    (tmp_path / "file").write_text("")
    none, (note,) = open_store(wanted(server, tmp_path / "file"), "alice")
    assert none is None
    assert note.startswith("unsent messages are not kept: ")


@pytest.mark.parametrize(
    ("login", "nickname"),
    [
        ("alice", "alice"),
        ("J. Smith@x", "J.Smithx"),
        ("root", "root_"),
        ("!!", "guest"),
        ("", "guest"),
        ("a" * 40, "a" * 32),
        ("日本", "日本"),
        (getpass.getuser(), None),
    ],
)
def test_a_login_name_becomes_a_nickname(login: str, nickname: str | None) -> None:
    """What a nickname can't have is left out; a reserved one gets a mark."""
    made = login_nickname(login)
    assert nickname in (None, made)
    assert names.nickname_key(made) not in names.RESERVED


async def test_without_a_store_unsent_messages_are_lost(
    server: ScriptedServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And the person is told at the end."""
    folder = tmp_path / "file"
    folder.write_text("")
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        running = asyncio.create_task(run_terminal(wanted(server, folder)))
        peer = await server.accepted()
        await peer.open()
        keys.send_text("unsent\r")
        await peer.expect(client_packets.Msg)
        keys.send_text("/quit\r")
        await peer.expect(client_packets.Bye)
        async with asyncio.timeout(SECONDS):
            await running
    assert capsys.readouterr().out == "wordpacket: messages not sent yet (1) are lost\n"
