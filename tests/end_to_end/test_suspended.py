"""A terminal that is suspended by its key, or stopped from outside, under a shell: `fg` brings all of it back."""

import os
import re
import signal
import sys
from pathlib import Path

import pytest

from tests.end_to_end.conftest import OpenTerminal
from tests.end_to_end.programs import Program


@pytest.mark.parametrize("how", ["key", "signal"])
def test_back_from_the_shell(server: Program, open_terminal: OpenTerminal, tmp_path: Path, how: str) -> None:
    """The screen is drawn, keys are the program's again, and what was half typed is still there."""
    terminal = open_terminal(["bash", "--norc", "--noprofile", "-i"])
    client = f"{sys.executable} -m cli_client 127.0.0.1 {server.port} --nick alice"
    terminal.say(f"sh -c 'echo $$ >{tmp_path}/pid; exec {client}'")
    terminal.wait_for("live")
    terminal.type("half ")
    terminal.wait_for("#lobby› half")
    if how == "key":
        terminal.press("C-z")
    else:
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGSTOP)
    terminal.wait_for("Stopped")
    terminal.say("echo in the $((1 + 1))nd shell")
    terminal.wait_for("^in the 2nd shell")
    terminal.say("fg; echo ended $((1 + 1)) programs")
    terminal.wait_for("live")
    terminal.say("typed")
    screen = terminal.wait_for(r"alice . half typed$")
    assert re.search(r"^#lobby›\s*$", screen, re.MULTILINE)
    assert "shell" not in screen
    terminal.say("/quit")
    terminal.wait_for("^ended 2 programs")
