"""A real server in a process of its own: started on a free port, stopped by signals, its words kept."""

import re
import signal
import subprocess
import sys
from pathlib import Path

END_SECONDS = 20.0


class ServerProcess:
    """`python -m tcp_server 0 --data FOLDER …`; `port` is read from the start-up lines.

    After use call `stop`; it fails if the server ever wrote a traceback.
    """

    def __init__(self, folder: Path, *flags: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.flags = flags
        self._errors = folder.with_suffix(".stderr")
        command = [sys.executable, "-m", "tcp_server", "0", "--host", "127.0.0.1", "--data", str(folder)]
        with self._errors.open("ab") as errors:
            self._process = subprocess.Popen(
                [*command, "--shutdown-delay", "0", *flags], stdout=subprocess.PIPE, stderr=errors
            )
        if self._process.stdout is None:
            raise AssertionError("stdout is a pipe")
        self._stdout = self._process.stdout
        self.announced = self._stdout.readline().decode()
        found = re.search(r"listening on .*:(\d+)", self.announced)
        if not found:
            self._stdout.close()
            raise AssertionError(f"the server didn't start: {self.announced!r} {self.errors}")
        self.port = int(found[1])

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def errors(self) -> str:
        """What it wrote to standard error."""
        return self._errors.read_text()

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait(self) -> int:
        """Wait for the end and return the exit status."""
        status = self._process.wait(END_SECONDS)
        self.announced += self._stdout.read().decode()
        self._stdout.close()
        return status

    def kill(self) -> None:
        """End it as a crash would."""
        self.signal(signal.SIGKILL)
        self.wait()

    def stop(self) -> None:
        """End it in order, if it still runs; it must never have failed."""
        if self._process.poll() is None:
            self.signal(signal.SIGTERM)
            assert self.wait() == 0
        elif not self._stdout.closed:
            self.wait()
        assert "Traceback" not in self.errors, self.errors
