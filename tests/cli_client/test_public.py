"""The public library: `from cli_client import Client, Message`."""

import asyncio
import runpy
import subprocess
import sys
import textwrap
from pathlib import Path

import cli_client
from tcp_server.protocol import client_packets
from tests.cli_client.scripted_server import ScriptedServer, msg


def test_every_name_is_there() -> None:
    """Each has a docstring of its own or is a union of such; none is listed twice."""
    assert len(set(cli_client.__all__)) == len(cli_client.__all__)
    for name in cli_client.__all__:
        thing = getattr(cli_client, name)
        assert thing.__doc__ or thing.__module__.startswith("tcp_server.protocol"), name


def test_importing_it_loads_no_face() -> None:
    """In a fresh interpreter: nothing of prompt_toolkit, the chat or the two faces."""
    code = (
        "import sys, cli_client;"
        "print([name for name in sys.modules if name.startswith("
        "('prompt_toolkit', 'cli_client.chat', 'cli_client.screen', 'cli_client.pipe'))])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


async def test_the_example_in_its_documentation_runs(server: ScriptedServer) -> None:
    """It answers a message, word for word as it stands there."""
    assert cli_client.__doc__
    lines = cli_client.__doc__.splitlines()
    source = textwrap.dedent("\n".join(line for line in lines if line.startswith("    ")))
    assert source.rstrip().endswith("asyncio.run(main())")
    source = source.replace("9000", str(server.port)).replace("asyncio.run(main())", "")
    names: dict[str, object] = {}
    exec(source, names)
    main = names["main"]
    assert callable(main)
    running = asyncio.create_task(main())
    peer = await server.accepted()
    assert (await peer.open()).nickname == "echo-bot"
    peer.say(msg(1, "hello"))
    said = await peer.expect(client_packets.Msg)
    assert (said.room, said.message) == ("lobby", "bob said: hello")
    running.cancel()
    await asyncio.wait([running])


async def test_the_bot_answers(server: ScriptedServer) -> None:
    """examples/bot.py answers `!echo` where it was said, and nothing else."""
    names = runpy.run_path(str(Path(__file__).parents[2] / "examples" / "bot.py"))
    running = asyncio.create_task(names["main"](server.port))
    peer = await server.accepted()
    assert (await peer.open()).nickname == "echo-bot"
    peer.say(msg(1, "hello"), msg(2, "!echo hello", to="echo-bot"))
    said = await peer.expect(client_packets.Msg)
    assert (said.to, said.message) == ("bob", "bob said: hello")
    running.cancel()
    await asyncio.wait([running])
