"""The README holds: its commands run, its flags are the programs' flags, its paths and targets exist."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.programs import ROOT, Program

README = (ROOT / "README.md").read_text()
PROGRAMS = {"tcp_server": "1. The server", "ws_bridge": "2. The bridge", "cli_client": "4. The terminal"}
LISTENING = {"tcp_server": r"^listening on .*:(\d+)$", "ws_bridge": r"http://127\.0\.0\.1:(\d+)"}
PICTURE_LINES = 33  # of "How it fits together"; who wants more reads the code
SECONDS = 60.0  # for a command to end


def section(title: str) -> str:
    """Return what stands under a heading whose text begins so, up to the next of its level or above."""
    found = re.search(rf"^(#+) {re.escape(title)}.*?\n(.*?)(?=^#{{1,3}} |\Z)", README, re.MULTILINE | re.DOTALL)
    assert found, f"the README has no section {title}"
    return found[2]


def commands() -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def help_of(*words: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", *words, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout


def flags(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)) - {"--help"}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A home of the test's own, and the Python that runs the tests under the name `python`."""
    folders = {f"XDG_{name}_HOME": str(tmp_path / name.lower()) for name in ("DATA", "STATE")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return os.environ | folders | {"PATH": path, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


@pytest.fixture
def running() -> Iterator[list[Program]]:
    programs: list[Program] = []
    yield programs
    for program in reversed(programs):
        program.stop()


def test_commands_run(
    tmp_path: Path, environment: dict[str, str], running: list[Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Typed one after the other, as they stand but for the ports, all commands do what they should."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    seen = set()
    for line in commands():
        if line.startswith("make "):
            assert line.removeprefix("make ") in targets()
            continue
        seen.add(line)
        if line == "python -m tcp_server 9000":
            words = [*line.replace("9000", "{port}").split(), "--shutdown-delay", "0"]
            running.append(Program(words, LISTENING["tcp_server"], tmp_path / "server.stderr", cwd=tmp_path))
        elif line == "python -m ws_bridge":
            words = [*line.split(), "--server", f"127.0.0.1:{running[0].port}", "--port", "{port}"]
            running.append(Program(words, LISTENING["ws_bridge"], tmp_path / "bridge.stderr", cwd=tmp_path))
        else:
            ended = subprocess.run(
                line.replace("9000", str(running[0].port)), cwd=tmp_path, shell=True, stdin=subprocess.DEVNULL,
                capture_output=True, text=True, timeout=SECONDS, check=False,
            )  # fmt: skip
            assert ended.returncode == 0, f"{line}: {ended.stderr}"
    assert len(seen) == 6
    assert (
        "the build is green"
        in subprocess.run(
            [sys.executable, "-m", "tcp_server", "export", "-"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    )


@pytest.mark.parametrize("program", PROGRAMS)
def test_flags(program: str) -> None:
    """Each flag that the README explains exists, and each that exists is explained."""
    known = flags(help_of(program))
    explained = flags(section(PROGRAMS[program]))
    assert explained == known


def test_server_export_has_its_flag() -> None:
    """`export` and `import` take --data, as the README says."""
    assert flags(help_of("tcp_server", "export")) == {"--data"}


def targets() -> set[str]:
    made = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"^  make (\S+)", made, re.MULTILINE))


def test_targets() -> None:
    """Each `make` target that the README names exists, and `make help` lists every target of the Makefile."""
    named = set(re.findall(r"`(?:[A-Z_]+=\S+ )*make ([a-z-]+)", README))
    assert named
    assert named <= targets()
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony
    assert targets() == set(phony[1].split()) - {"tools"}


def test_manifest() -> None:
    """Each path of the Manifest exists, and each file and folder of the top level is in it."""
    named = set(re.findall(r"`([^`]+)`", "\n".join(re.findall(r"^\| (.*?) \|", section("Manifest"), re.MULTILINE))))
    for path in named:
        assert (ROOT / path).exists(), path
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    top = {path.split("/")[0] for path in tracked} - {"README.md", ".gitignore", ".editorconfig"}
    assert top == {path.split("/")[0] for path in named}


def test_links() -> None:
    """Each file and picture that the README links to exists."""
    links = re.findall(r"\]\(([^)]+)\)|src=\"([^\"]+)\"", README)
    paths = {link for pair in links for link in pair if link and "://" not in link}
    assert len(paths) >= 3
    for path in paths:
        assert (ROOT / path).exists(), path


def test_picture_is_short() -> None:
    """How it fits together stays a picture and a page."""
    assert len(section("How it fits together").strip().splitlines()) <= PICTURE_LINES
