"""A real terminal: a program in tmux, whose screen is read as cells."""

import os
import re
import select
import shlex
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

WAIT_SECONDS = 60.0  # for a step; the machine may be busy


class Terminal:
    """A tmux server of its own with one window. Afterwards call `close`.

    Once the program has ended, the screen says `ended:` and its exit code.
    """

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        *,
        columns: int = 80,
        rows: int = 24,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._socket = folder / "tmux"
        output = folder / "tmux.output"
        os.mkfifo(output)
        # Opened for reading and writing, so that it never reports an end while tmux is silent.
        self._output = os.open(output, os.O_RDWR | os.O_NONBLOCK)
        # The gate holds the program back until tmux copies its whole output.
        gate = folder / "tmux.gate"
        os.mkfifo(gate)
        line = f"read -r _ <{shlex.quote(str(gate))}; trap : INT; {shlex.join(command)}; echo ended: $?; exec cat"
        self._tmux(
            "new-session",
            "-d",
            "-x",
            f"{columns}",
            "-y",
            f"{rows}",
            "-c",
            f"{cwd or Path.cwd()}",
            *(f"-e{name}={value}" for name, value in (environment or {}).items()),
            "sh",
            "-c",
            line,
            ";",
            "set-option",
            "status",
            "off",
            ";",
            "resize-window",
            "-x",
            f"{columns}",
            "-y",
            f"{rows}",
            ";",
            "pipe-pane",
            f"cat >{shlex.quote(str(output))}",
        )
        gate.write_text("\n")

    def type(self, text: str) -> None:
        self._tmux("send-keys", "-l", text)

    def press(self, *keys: str) -> None:
        """Press keys by tmux's names, such as Enter, C-c or PageUp."""
        self._tmux("send-keys", *keys)

    def say(self, text: str) -> None:
        self.type(text)
        self.press("Enter")

    def screen(self, *, styled: bool = False) -> str:
        """Return the screen's text; styled: with the escape sequences of its colours, and all cells."""
        return self._tmux("capture-pane", "-p", *(["-e", "-N"] if styled else []))

    def wait_for(self, pattern: str) -> str:
        """Wait until the screen shows a pattern; look after each write of the program."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not re.search(pattern, screen := self.screen(), re.MULTILINE):
            left = deadline - time.monotonic()
            if "ended: " in screen or left <= 0 or not select.select([self._output], [], [], left)[0]:
                raise AssertionError(f"no {pattern!r} on the screen:\n{screen}")
            os.read(self._output, 65_536)
        return screen

    def close(self) -> None:
        self._tmux("kill-server")
        os.close(self._output)

    def _tmux(self, *words: str) -> str:
        command = ["tmux", "-S", str(self._socket), "-f", os.devnull, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout
