"""The server and the bridges as real processes, to be killed, stopped and started again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

START_SECONDS = 20.0  # a busy machine starts Python slowly
END_SECONDS = 20.0

# The first line of each program's output names its address.
_ADDRESS = re.compile(rb"(?:listening on 127\.0\.0\.1|http://127\.0\.0\.1):(\d+)")


class Child:
    """A process that can be started again and again; its errors are collected in one file.

    After making one: `await start()`, and at the end always `await kill()`. A fault holds `lock`, so that no two faults
    hit one process at a time.
    """

    def __init__(self, name: str, command: Sequence[str], folder: Path) -> None:
        self.name = name
        self.port = 0  # where it listens; another one after each start
        self.starts = 0
        self.lock = asyncio.Lock()
        self.errors = folder / f"{name}.log"
        self._command = [sys.executable, *command]
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        if self._process is None:
            raise AssertionError(f"{self.name} was never started")
        return self._process.pid

    async def start(self) -> None:
        """Start the process, and wait until it listens.

        Raises:
            RuntimeError: the process ended instead.
        """
        with self.errors.open("ab") as errors:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        self.starts += 1
        assert self._process.stdout is not None
        async with asyncio.timeout(START_SECONDS):
            async for line in self._process.stdout:
                found = _ADDRESS.search(line)
                if found:
                    self.port = int(found[1])
                    return
        raise RuntimeError(f"{self.name} did not start:\n{self.errors.read_text()[-2_000:]}")

    async def kill(self) -> None:
        """Kill the process with -9, stopped or not, and wait for its end."""
        await self._end(signal.SIGKILL)

    async def terminate(self) -> None:
        """Ask the process to end, and wait for its end."""
        await self._end(signal.SIGTERM)

    def stop(self) -> None:
        """Stop the whole process, like a machine that hangs."""
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def memory(self) -> int:
        """Return the bytes of memory that the process holds now (Linux)."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def complaints(self) -> list[str]:
        """Return the tracebacks in the process's log: there should be none."""
        text = self.errors.read_text() if self.errors.exists() else ""
        return [part[-1_500:] for part in text.split("Traceback (most recent call last)")[1:]]

    async def _end(self, number: signal.Signals) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
            if number is not signal.SIGKILL:
                process.send_signal(signal.SIGCONT)
        try:
            async with asyncio.timeout(END_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise RuntimeError(f"{self.name} did not end within {END_SECONDS:.0f} s of {number.name}") from None


def server_child(data: Path, folder: Path, *flags: str, module: Sequence[str] = ("-m", "tcp_server")) -> Child:
    """Return the chat server on a free port; `module` may name a broken one, see `sabotage`."""
    command = [*module, "0", "--host", "127.0.0.1", "--data", str(data), "--shutdown-delay", "0", *flags]
    return Child("server", command, folder)


def bridge_child(number: int, server_port: int, folder: Path) -> Child:
    command = ["-m", "ws_bridge", "--server", f"127.0.0.1:{server_port}", "--host", "127.0.0.1", "--port", "0"]
    return Child(f"bridge {number}", command, folder)
