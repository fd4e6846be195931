"""The client in a pipe, between two real pipes and a server that follows a script."""

import asyncio
import json
import os
import signal

import pytest

from cli_client.library.client import Client
from cli_client.opening import make_plain
from cli_client.pipe.plain import Exit
from tcp_server.protocol import client_packets, server_packets
from tests.cli_client.piped import SECONDS
from tests.cli_client.scripted_server import NOON, ScriptedServer, msg


async def test_lines_go_in_and_messages_come_out(piped, capfd: pytest.CaptureFixture[str]) -> None:
    """Each line is sent, each message is one line with when, where and who; the end waits for the echoes."""
    pipes = await piped()
    pipes.type("hello\r\n\nsecond\n/me waves")
    pipes.end_input()
    await pipes.peer.echo(1)
    pipes.peer.say(msg(2, "two\nlines\x1b"), msg(3, "psst", to="alice"))
    assert (await pipes.peer.expect(client_packets.Msg)).message == "second"
    said = await pipes.peer.expect(client_packets.Msg)
    assert (said.message, said.action) == ("waves", True)
    assert not pipes._run.done()
    pipes.peer.say(
        server_packets.Msg(id=4, nickname="alice", message="second", timestamp=NOON, room="lobby"),
        server_packets.Msg(
            id=5, nickname="alice", message="waves", timestamp=NOON, room="lobby", action=True, ref=said.ref
        ),
    )
    assert not pipes._run.done()
    second = next(o for o in pipes.client.outgoing if o.message == "second")
    pipes.peer.say(msg(6, "second", "alice", ref=second.ref))
    assert await pipes.exit() is Exit.DONE
    shown = [line.partition(" ")[2].partition(" ")[2] for line in pipes.output()]
    assert shown == [
        "#lobby <alice> hello",
        "#lobby <bob> two\\nlines␛",
        "@bob <bob> psst",
        "#lobby <alice> second",
        "#lobby * alice waves",
        "#lobby <alice> second",
    ]
    assert capfd.readouterr() == ("", "")


async def test_json_is_the_servers_own(piped) -> None:
    """Bodies as they are, answers too, but no token and nothing of the connection's upkeep."""
    pipes = await piped(as_json=True)
    body = server_packets.format(msg(1, "hi"))[:-1] + b', "future": [1, 2]}'
    pipes.peer.say_bytes(len(body).to_bytes(2, "big") + body)
    pipes.peer.say(server_packets.Ping(), server_packets.Join(room="lobby", nickname="bob", timestamp=NOON))
    await pipes.peer.expect(client_packets.Pong)
    pipes.type("/users\n")
    users = await pipes.peer.expect(client_packets.Users)
    answer = server_packets.Users(room="lobby", count=1, users=["alice"], more=False, ref=users.ref)
    pipes.peer.say(answer)
    pipes.end_input()
    assert await pipes.exit() is Exit.DONE
    assert pipes.output()[1:] == [
        body.decode(),
        server_packets.format(server_packets.Join(room="lobby", nickname="bob", timestamp=NOON)).decode(),
        server_packets.format(answer).decode(),
    ]


async def test_a_line_after_join_is_for_that_room(piped) -> None:
    """Commands are answered before the next line is read; their answers are lines too."""
    pipes = await piped()
    pipes.type("/join dev\nhello\n/rooms\n/quit\nnever sent\n")
    join = await pipes.peer.expect(client_packets.Join)
    pipes.peer.say(server_packets.RoomState(room="dev", count=1, topic="", users=["alice"], id=0, ref=join.ref))
    assert (await pipes.peer.echo(1)).room == "dev"
    rooms = await pipes.peer.expect(client_packets.Rooms)
    entries = [server_packets.RoomEntry("dev", "", 1)]
    pipes.peer.say(server_packets.Rooms(rooms=entries, more=False, ref=rooms.ref))
    assert await pipes.exit() is Exit.DONE
    assert [line[20:] if line[0] == "2" else line for line in pipes.output()] == [
        "#dev <alice> hello",
        "#dev, 1 member",
    ]


async def test_literal_lines_are_sent_as_they_are(piped) -> None:
    """A log with paths in it loses none."""
    pipes = await piped(literal=True)
    pipes.type("/usr/bin/x: not found\n//x\n")
    pipes.end_input()
    assert (await pipes.peer.echo(1)).message == "/usr/bin/x: not found"
    assert (await pipes.peer.echo(2)).message == "//x"
    assert await pipes.exit() is Exit.DONE


async def test_what_is_refused_shows_in_the_exit_code(piped, capfd: pytest.CaptureFixture[str]) -> None:
    """A refused message and a mistyped command are told on stderr; the rest goes through."""
    pipes = await piped()
    pipes.type("bad\n/bogus\ngood\n")
    pipes.end_input()
    said = await pipes.peer.expect(client_packets.Msg)
    pipes.peer.say(server_packets.Error(code="forbidden", message="not here", ref=said.ref))
    await pipes.peer.echo(1)
    assert await pipes.exit() is Exit.REFUSED
    assert len(pipes.output()) == 1
    errors = capfd.readouterr().err.splitlines()
    assert "wordpacket: not sent: not here: bad" in errors
    assert any("there is no command /bogus" in line for line in errors)


async def test_a_cut_is_told_and_survived(server: ScriptedServer, piped, capfd) -> None:
    """The end waits for the connection to come back and the echo to come."""
    pipes = await piped()
    pipes.type("hello\n")
    pipes.end_input()
    await pipes.peer.expect(client_packets.Msg)
    pipes.peer.cut()
    peer = await server.accepted()
    await peer.open(resumed=True)
    peer.say(server_packets.Notice(message="welcome back"))
    await peer.echo(1)
    assert await pipes.exit() is Exit.DONE
    errors = capfd.readouterr().err.splitlines()
    assert errors[0].startswith("wordpacket: the connection is lost, trying again: ")
    assert errors[1:] == ["wordpacket: the connection is back", "wordpacket: welcome back"]
    assert len(pipes.output()) == 1


async def test_being_sent_away_is_an_error(piped, capfd: pytest.CaptureFixture[str]) -> None:
    """BYE kicked ends the program with a line."""
    pipes = await piped()
    pipes.peer.say(server_packets.Bye(reason="kicked", message="go away"))
    assert await pipes.exit() is Exit.UNREACHABLE
    assert capfd.readouterr().err == "wordpacket: the server sent us away: go away\n"


async def test_quit_waits_for_what_was_said(piped) -> None:
    """And says goodbye with its words."""
    pipes = await piped()
    pipes.type("hello\n/quit so long\nnever\n")
    said = await pipes.peer.expect(client_packets.Msg)
    pipes.peer.say(server_packets.Ping())
    await pipes.peer.expect(client_packets.Pong)
    pipes.peer.say(msg(1, "hello", "alice", ref=said.ref))
    assert (await pipes.peer.expect(client_packets.Bye)).message == "so long"
    assert await pipes.exit() is Exit.DONE


async def test_ctrl_c_does_not_wait_for_a_stuck_reader(piped) -> None:
    """Nobody reads the output, and it ends all the same."""
    pipes = await piped()
    for start in range(0, 3000, 100):
        pipes.peer.say(*(msg(start + number, "x" * 500) for number in range(1, 101)))
    async with asyncio.timeout(SECONDS):
        while not pipes.face._out._waiting:  # noqa: ASYNC110 - nothing tells of that
            await asyncio.sleep(0)
    os.kill(os.getpid(), signal.SIGINT)
    assert await pipes.exit() is Exit.INTERRUPTED


async def test_a_bug_is_not_hidden(piped, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error while a line is handled ends the program with its traceback."""
    pipes = await piped()
    monkeypatch.setattr(pipes.face._conductor, "typed", lambda _: 1 / 0)
    pipes.type("hello\n")
    with pytest.raises(ZeroDivisionError):
        await pipes.exit()


async def test_a_nickname_lost_on_the_way_is_exit_3(server: ScriptedServer, piped, capfd) -> None:
    """Taken by somebody else while the connection was down: a pipe can't ask for another."""
    pipes = await piped()
    pipes.peer.cut()
    peer = await server.accepted()
    await peer.greet()
    peer.say(server_packets.Retry(nickname="alice", reason="taken", message="alice is taken"))
    assert await pipes.exit() is Exit.NICKNAME
    assert "wordpacket: alice is not let in: alice is taken" in capfd.readouterr().err.splitlines()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
async def test_signals_end_with_a_bye(piped, number: int, code: int) -> None:
    """Ctrl-C, kill and a closed terminal leave in order."""
    pipes = await piped()
    pipes.type("hello\n")
    await pipes.peer.echo(1)
    os.kill(os.getpid(), number)
    await pipes.peer.expect(client_packets.Bye)
    assert await pipes.exit() == code


async def test_a_reader_that_goes_away_ends_it_quietly(piped, capfd: pytest.CaptureFixture[str]) -> None:
    """`| head` is no error."""
    pipes = await piped()
    pipes.end_output()
    pipes.peer.say(msg(1))
    await pipes.peer.expect(client_packets.Bye)
    assert await pipes.exit() is Exit.DONE
    assert capfd.readouterr() == ("", "")


async def test_unsent_lines_make_a_broken_pipe_an_error(piped) -> None:
    """The exit code is that of a program which SIGPIPE ended."""
    pipes = await piped()
    pipes.end_output()
    pipes.type("hello\n")
    await pipes.peer.expect(client_packets.Msg)
    pipes.peer.say(msg(1))
    await pipes.peer.expect(client_packets.Bye)
    assert await pipes.exit() is Exit.BROKEN_PIPE


async def test_a_signal_that_was_ignored_at_the_start_stays_so(piped, monkeypatch: pytest.MonkeyPatch) -> None:
    """nohup has SIGHUP ignored, and a shell SIGINT in the background."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        pipes = await piped()
        pipes.type("hello\n")
        await pipes.peer.echo(1)
        os.kill(os.getpid(), signal.SIGHUP)
        pipes.type("still here\n")
        pipes.end_input()
        await pipes.peer.echo(2)
        assert await pipes.exit() is Exit.DONE
    finally:
        signal.signal(signal.SIGHUP, before)


async def test_too_long_a_line_is_refused_and_the_others_go_through(piped, capfd) -> None:
    """With one line of complaint, which names the limit."""
    pipes = await piped()
    pipes.type("before\n")
    await pipes.peer.echo(1)
    await asyncio.to_thread(pipes.type, "x" * 70_000 + "\nafter\n")
    pipes.end_input()
    assert (await pipes.peer.echo(2)).message == "after"
    assert await pipes.exit() is Exit.REFUSED
    assert capfd.readouterr().err == "wordpacket: not sent: a line has more than 65,536 bytes\n"


async def test_a_refused_line_is_not_sent_by_the_next_run(piped) -> None:
    """It was told; what is kept for the next run is what may still be sent."""
    pipes = await piped()
    pipes.type("bad\n")
    pipes.end_input()
    said = await pipes.peer.expect(client_packets.Msg)
    pipes.peer.say(server_packets.Error(code="forbidden", message="no", ref=said.ref))
    assert await pipes.exit() is Exit.REFUSED
    assert pipes.client.outgoing == []


async def test_nothing_raw_is_in_the_servers_own(piped) -> None:
    """The bodies mean the same, and a terminal obeys none of them."""
    pipes = await piped(as_json=True)
    body = '{"type":"NOTICE",\r\n\t"message":"\x85\x9b\u202e\u2066\u2028\x7f é日"}'.encode()
    pipes.peer.say_bytes(len(body).to_bytes(2, "big") + body)
    pipes.peer.say(server_packets.Ping())
    await pipes.peer.expect(client_packets.Pong)
    pipes.end_input()
    assert await pipes.exit() is Exit.DONE
    (line,) = (line for line in pipes.output() if "NOTICE" in line)
    assert line.endswith('"message":"\\u0085\\u009b\\u202e\\u2066\\u2028\\u007f é日"}')
    assert json.loads(line) == json.loads(body)


async def test_texts_go_to_the_room_of_the_flags(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the person is in other rooms already, whose names come first."""
    client = Client("127.0.0.1", server.port, nickname="alice", rooms=["dev"])
    connecting = asyncio.create_task(client.connect())
    peer = await server.accepted()
    await peer.open(rooms=("books", "dev", "lobby"))
    await connecting
    plain = make_plain(client, as_json=False, literal=False, room="dev")
    reading, writing = os.pipe()
    monkeypatch.setattr("cli_client.pipe.plain.STDIN", reading)
    running = asyncio.create_task(plain.run())
    os.write(writing, b"hello\n")
    os.close(writing)
    assert (await peer.echo(1)).room == "dev"
    assert await running is Exit.DONE
    os.close(reading)
