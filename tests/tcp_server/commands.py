"""Commands that are run to their end: the real one, or in this process."""

import os
import re
import shlex
import subprocess
import sys
from typing import Protocol


def run(*arguments: object, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run the real command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "tcp_server", *map(str, arguments)], input=stdin, capture_output=True, timeout=20
    )


def run_with_small_files(kibibytes: int, *arguments: object) -> subprocess.CompletedProcess[bytes]:
    """Run the real command where no file may grow beyond a size, as on a full disk.

    Coverage's own file would be such a file, and what it says of that would be taken for the command's.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    command = shlex.join([sys.executable, "-m", "tcp_server", *map(str, arguments)])
    shell = f"ulimit -f {kibibytes}; exec {command}"
    return subprocess.run(["bash", "-c", shell], capture_output=True, timeout=20, env=environment)


def assert_one_line(result: subprocess.CompletedProcess[bytes], text: str) -> None:
    """The command failed with status 1, one clear line on standard error, and nothing else."""
    errors = result.stderr.decode()
    assert (result.returncode, len(errors.splitlines()), result.stdout) == (1, 1, b""), errors
    assert re.search(text, errors), errors


class Fails(Protocol):
    """Run the command in this process: it fails with status 1 and one clear line."""

    def __call__(self, text: str, *arguments: object) -> None: ...
