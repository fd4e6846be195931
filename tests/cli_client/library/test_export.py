"""All that a user may see, in a file of JSON lines."""

import os
from pathlib import Path

from cli_client.pipe.plain import Exit
from tcp_server.protocol import client_packets, server_packets
from tests.cli_client.scripted_server import NOON, msg


async def test_export_writes_what_may_be_seen(piped, tmp_path: Path, capfd) -> None:
    """Every room and conversation, page by page and nothing twice, into a file that was not there."""
    pipes = await piped()
    renamed = server_packets.Nick(room="lobby", old="rob", nickname="bob", timestamp=NOON)
    pipes.peer.say(msg(4, "psst", "rob", to="alice"), renamed, server_packets.Ping())
    await pipes.peer.expect(client_packets.Pong)
    goal = tmp_path / "all.jsonl"
    pipes.type(f"/export {goal}\n")
    pages = [
        (("lobby", None, 0), server_packets.History(room="lobby", messages=[msg(1), msg(2)], more=True)),
        (("lobby", None, 2), server_packets.History(room="lobby", messages=[msg(3)], more=False)),
        ((None, "bob", 0), server_packets.History(to="bob", messages=[msg(4, to="alice")], more=False)),
        ((None, "rob", 0), server_packets.History(to="rob", messages=[msg(4, to="alice")], more=False)),
    ]
    for wanted, page in pages:
        history = await pipes.peer.expect(client_packets.History)
        given = client_packets.given
        assert (given(history.room), given(history.to), history.after) == wanted
        assert history.limit == 200
        assert not goal.exists()
        page.ref = history.ref
        pipes.peer.say(page)
    pipes.type(f"/export {goal}\n/export {tmp_path}/no/where\n")
    pipes.end_input()
    assert await pipes.exit() is Exit.REFUSED
    assert pipes.output()[1:] == [f"4 messages are in {goal}"]
    exported = [server_packets.parse(line) for line in goal.read_bytes().splitlines()]
    assert exported == [msg(1), msg(2), msg(3), msg(4, to="alice")]
    assert os.listdir(tmp_path) == [goal.name]
    assert goal.stat().st_mode & 0o777 == 0o600
    errors = capfd.readouterr().err.splitlines()
    assert errors == [
        f"wordpacket: nothing was exported: {goal}: the file exists",
        f"wordpacket: nothing was exported: {tmp_path}/no/where: no such file or directory",
    ]
