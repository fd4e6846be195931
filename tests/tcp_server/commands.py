"""Commands that are run to their end: the real one, or in this process."""

import re
import subprocess
import sys
from typing import Protocol


def run(*arguments: object, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run the real command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "tcp_server", *map(str, arguments)], input=stdin, capture_output=True, timeout=20
    )


def assert_one_line(result: subprocess.CompletedProcess[bytes], text: str) -> None:
    """The command failed with status 1, one clear line on standard error, and nothing else."""
    errors = result.stderr.decode()
    assert (result.returncode, len(errors.splitlines()), result.stdout) == (1, 1, b""), errors
    assert re.search(text, errors), errors


class Fails(Protocol):
    """Run the command in this process: it fails with status 1 and one clear line."""

    def __call__(self, text: str, *arguments: object) -> None: ...
