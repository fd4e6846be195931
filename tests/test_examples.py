"""The ten lines that a newcomer copies: two of these programs chat with each other and with a client of the tests."""

import ast
import subprocess
import sys
from pathlib import Path

from tests.tcp_server.conftest import Connect, clients, connect
from tests.tcp_server.process import ServerProcess

__all__ = ["clients", "connect"]  # the server tests' fixtures are these tests' too

SCRIPT = Path(__file__).parents[1] / "examples" / "ten_lines.py"


def test_it_has_ten_lines() -> None:
    """The docstring and the imports don't count."""
    tree = ast.parse(SCRIPT.read_text())
    lines = {
        node.lineno
        for statement in tree.body
        if isinstance(statement, ast.FunctionDef | ast.Assign | ast.Expr | ast.While) and statement is not tree.body[0]
        for node in ast.walk(statement)
        if hasattr(node, "lineno")
    }
    assert len(lines) == 10


def test_two_scripts_chat(server: ServerProcess, connect: Connect) -> None:
    """Each prints the lines of the other; the end of the input is a BYE."""
    alice = connect("alice")
    scripts = []
    for nickname in ("bob", "carol"):
        scripts.append(
            subprocess.Popen(
                [sys.executable, str(SCRIPT), "127.0.0.1", str(server.port), nickname],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
            )
        )
        alice.find("JOIN", nickname=nickname)
    bob, carol = scripts
    assert bob.stdin
    assert carol.stdin
    assert bob.stdout
    assert carol.stdout
    bob.stdin.write("hello from a script 😀\n")
    bob.stdin.flush()
    alice.find("MSG", nickname="bob", message="hello from a script 😀")
    assert carol.stdout.readline() == bob.stdout.readline() == "bob: hello from a script 😀\n"
    alice.say("hello back")
    assert carol.stdout.readline() == bob.stdout.readline() == "alice: hello back\n"
    carol.stdin.write("\n")  # an empty message is refused, and said so
    carol.stdin.flush()
    assert carol.stdout.readline().startswith("server: ")
    for script in scripts:
        rest, errors = script.communicate()
        assert (rest, errors, script.returncode) == ("", "", 0)
    assert {alice.find("LEAVE", reason="quit")["nickname"] for _ in scripts} == {"bob", "carol"}
