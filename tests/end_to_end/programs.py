"""The server and the bridge as processes of their own: started, killed, and started again on the same port."""

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERVER = (sys.executable, "-m", "tcp_server")
BRIDGE = (sys.executable, "-m", "ws_bridge")
END_SECONDS = 30.0  # for an end in order, on a busy machine


class Program:
    """A command that prints a line with its port once it listens.

    `command` names the port "{port}": 0 at the first start, then the port that the system chose, so that clients find
    the program again. Afterwards call `stop`; it fails if the program ever wrote a traceback.

    Args:
        command: the words of the command.
        listening: a pattern of that line; its first group is the port.
        errors: the file for its standard error.
        cwd: the folder in which it runs.
    """

    def __init__(self, command: Sequence[str], listening: str, errors: Path, *, cwd: Path = ROOT) -> None:
        self.port = 0
        self.said: list[str] = []
        self._command = command
        self._listening = re.compile(listening)
        self._errors = errors
        self._cwd = cwd
        self.start()

    def start(self) -> None:
        """Start the program, and wait until it listens."""
        command = [word.format(port=self.port) for word in self._command]
        with self._errors.open("ab") as errors:
            self._process = subprocess.Popen(command, cwd=self._cwd, stdout=subprocess.PIPE, stderr=errors, text=True)
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.said.append(line.rstrip())
            if found := self._listening.search(line):
                self.port = int(found[1])
                return
        raise AssertionError(f"{command} ended: {self._errors.read_text()}")

    def kill(self) -> None:
        """End the program like a crash."""
        self._process.kill()
        self._end()

    def stop(self) -> None:
        """End the program in order, unless it was killed; it must never have failed."""
        if self._process.returncode is None:
            self._process.terminate()
            assert self._end() == 0
        errors = self._errors.read_text()
        assert "Traceback" not in errors, errors

    def _end(self) -> int:
        rest, _ = self._process.communicate(timeout=END_SECONDS)
        self.said += rest.splitlines()
        return self._process.returncode


def server(folder: Path, *flags: str, command: Sequence[str] = SERVER, cwd: Path = ROOT) -> Program:
    """Start a server; `folder` is for its data and its standard error."""
    words = [*command, "{port}", "--host", "127.0.0.1", "--data", str(folder / "data"), "--shutdown-delay", "0", *flags]
    return Program(words, r"^listening on 127\.0\.0\.1:(\d+)", folder / "server.stderr", cwd=cwd)


def bridge(folder: Path, server_port: int, *, command: Sequence[str] = BRIDGE, cwd: Path = ROOT) -> Program:
    """Start a bridge to a server on this machine."""
    words = [*command, "--server", f"127.0.0.1:{server_port}", "--host", "127.0.0.1", "--port", "{port}"]
    return Program(words, r"http://127\.0\.0\.1:(\d+)", folder / "bridge.stderr", cwd=cwd)
