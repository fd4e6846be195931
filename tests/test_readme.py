"""The README and docs/ hold: their commands run, their flags are the programs' flags, their paths and targets exist."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.programs import ROOT, Program

README = ROOT / "README.md"
DOCUMENTS = [README, *sorted((ROOT / "docs").glob("*.md"))]
LINES_MAX = {README: 150}  # one screen to start and one to look up
LINES_MAX_OF_DOCS = 199
PICTURE_LINES = 33  # of "How it fits together"

PROGRAMS = {"tcp_server": "The server", "ws_bridge": "The bridge", "cli_client": "The terminal"}  # headings of flags.md
TOOLS = ("tests.bench", "tests.bench.compare", "tests.bench.profile")  # the documents name their flags too
PORTS = {"tcp_server": "9000", "ws_bridge": "8765"}
SERVES = re.compile(r"python -m (tcp_server|ws_bridge)(?! export| import)")
LISTENING = {"tcp_server": r"^listening on .*:(\d+)$", "ws_bridge": r"http://127\.0\.0\.1:(\d+)"}
SAID = "the build is green"  # by the README's pipe
SECONDS = 60.0  # for a command to end


def ids(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def section(path: Path, title: str) -> str:
    """Return the text under the heading that begins so, up to the next heading of its level or above."""
    text = path.read_text()
    found = re.search(rf"^(#+) (?:\d\. )?{re.escape(title)}.*?\n", text, re.MULTILINE)
    assert found, f"{path.name} has no section {title}"
    end = re.search(rf"^#{{1,{len(found[1])}}} ", text[found.end() :], re.MULTILINE)
    return text[found.end() :][: end.start() if end else None]


def commands(path: Path) -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```$", path.read_text(), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def help_of(*words: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", *words, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout


def flags(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)) - {"--help"}


def targets() -> set[str]:
    made = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"^  make (\S+)", made, re.MULTILINE))


class Reader:
    """Somebody who types the commands of one document, in a folder and with a home of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running: dict[str, Program] = {}

    def type(self, line: str) -> None:
        """Run a command as it stands, but for the ports and for the names of other machines."""
        line = line.replace("--server chat.example:", "--server 127.0.0.1:")
        if line.startswith("make "):
            assert line.split()[1] in targets()  # they are run by test_make, or take minutes
        elif found := SERVES.match(line):
            self.serve(found[1], line)
        else:
            self.run(line)

    def serve(self, program: str, line: str) -> None:
        """Start a server or a bridge, instead of the one that ran before."""
        if program in self.running:
            self.running.pop(program).stop()
        if program == "tcp_server":
            line = line.replace(PORTS[program], "{port}") + " --shutdown-delay 0"
        else:
            self.expect_server()
            server = f"127.0.0.1:{self.running['tcp_server'].port}"
            line = line.replace("127.0.0.1:9000", server) + " --port {port}"
            if "--server" not in line:
                line += f" --server {server}"
        words = re.findall(r'"[^"]*"|\S+', line)
        errors = self.folder / f"{program}.stderr"
        self.running[program] = Program(
            [word.strip('"') for word in words], LISTENING[program], errors, cwd=self.folder
        )

    def run(self, line: str) -> str:
        """Run a command to its end; it must succeed."""
        if "cli_client" in line:
            self.expect_server()
        port = self.running["tcp_server"].port if "tcp_server" in self.running else 0
        if "cli_client " in line and PORTS["tcp_server"] not in line:  # without an address it takes the usual port
            line = line.replace("cli_client", f"cli_client 127.0.0.1 {port}")
        ended = subprocess.run(
            line.replace(PORTS["tcp_server"], str(port)),
            cwd=self.folder,
            shell=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert ended.returncode == 0, f"{line}: {ended.stderr}"
        return ended.stdout

    def expect_server(self) -> None:
        if "tcp_server" not in self.running:
            self.serve("tcp_server", "python -m tcp_server 9000")

    def stop(self) -> None:
        for program in reversed(self.running.values()):
            program.stop()


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    """A reader for whom `python` is the Python that runs the tests."""
    for name in ("DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    folder = tmp_path / "typed"
    folder.mkdir()
    reader = Reader(folder)
    yield reader
    reader.stop()


@pytest.mark.parametrize("path", [path for path in DOCUMENTS if commands(path)], ids=lambda path: path.name)
def test_commands_run(path: Path, reader: Reader) -> None:
    """Typed one after the other, all commands of a document do their work."""
    for line in commands(path):
        reader.type(line)
    if path == README:
        assert SAID in reader.run("python -m tcp_server export -")


def test_every_document_with_flags_has_commands() -> None:
    """So the test above has its subjects."""
    assert {"README.md", "flags.md", "deployment.md", "performance.md"} <= {
        path.name for path in DOCUMENTS if commands(path)
    }


@pytest.mark.parametrize("program", PROGRAMS)
def test_flags(program: str) -> None:
    """docs/flags.md explains each flag of a program, and no other."""
    explained = section(ROOT / "docs" / "flags.md", PROGRAMS[program])
    assert flags(explained.partition("\n### ")[0]) == flags(help_of(program))


@pytest.mark.parametrize("program", PROGRAMS)
def test_flags_of_the_readme(program: str) -> None:
    """The README names only flags that the program has."""
    named = flags(section(README, PROGRAMS[program]))
    assert named
    assert named <= flags(help_of(program))


def test_server_export_has_its_flag() -> None:
    """`export` and `import` take --data, as docs/flags.md says."""
    assert flags(help_of("tcp_server", "export")) == {"--data"}
    assert flags(section(ROOT / "docs" / "flags.md", "Export and import")) == {"--data"}


@pytest.mark.parametrize("path", DOCUMENTS, ids=ids(DOCUMENTS))
def test_every_flag_is_a_flag(path: Path) -> None:
    """A document names no flag that no program has."""
    known = set().union(*(flags(help_of(program)) for program in (*PROGRAMS, *TOOLS)))
    assert flags(path.read_text()) <= known


@pytest.mark.parametrize("path", DOCUMENTS, ids=ids(DOCUMENTS))
def test_targets(path: Path) -> None:
    """Each `make` target that a document names exists."""
    assert set(re.findall(r"`(?:[A-Z_]+=\S+ )*make ([a-z-]+)", path.read_text())) <= targets()


def test_make_help() -> None:
    """`make help` lists every target of the Makefile, and docs/flags.md explains each but `help`."""
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony
    assert targets() == set(phony[1].split()) - {"tools"}
    explained = set(re.findall(r"`make ([a-z-]+)", section(ROOT / "docs" / "flags.md", "make")))
    assert explained == targets() - {"help"}


def test_manifest() -> None:
    """Each path of the Manifest exists, and each file and folder of the top level is in it."""
    rows = re.findall(r"^\| (.*?) \|", section(README, "Manifest"), re.MULTILINE)
    named = set(re.findall(r"`([^`]+)`", "\n".join(rows)))
    for path in named:
        assert (ROOT / path).exists(), path
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    top = {path.split("/")[0] for path in tracked} - {"README.md"}
    assert top == {path.split("/")[0] for path in named}


def test_the_house_of_the_design_stands() -> None:
    """Each folder and file in the table of docs/design.md exists."""
    table = re.search(r"^```\n(.*?)^```$", section(ROOT / "docs" / "design.md", "The house"), re.MULTILINE | re.DOTALL)
    assert table
    above = ""
    paths = []
    for line in table[1].splitlines():
        words = re.findall(r"[\w/.]+(?:/|\.py)(?= )", line.partition("    ")[0] + " ")
        above = above if line.startswith(" ") else words[0]
        paths += [ROOT / above / word if line.startswith(" ") else ROOT / word for word in words]
    assert len(paths) > 10
    for path in paths:
        assert path.exists(), path


@pytest.mark.parametrize("path", DOCUMENTS, ids=ids(DOCUMENTS))
def test_links(path: Path) -> None:
    """Each file and picture that a document links to exists."""
    for link in re.findall(r"\]\(([^)]+)\)", path.read_text()):
        assert "://" in link or (path.parent / link).exists(), link


@pytest.mark.parametrize("path", DOCUMENTS, ids=ids(DOCUMENTS))
def test_documents_are_short(path: Path) -> None:
    """Longer ones are not read."""
    assert len(path.read_text().splitlines()) <= LINES_MAX.get(path, LINES_MAX_OF_DOCS)


def test_the_documents_are_reached_from_the_readme() -> None:
    """Each is linked there."""
    links = set(re.findall(r"\]\(([^)]+)\)", README.read_text()))
    assert {path.relative_to(ROOT).as_posix() for path in DOCUMENTS} - {"README.md"} <= links


def test_picture_is_short() -> None:
    """How it fits together stays a picture and a page."""
    assert len(section(README, "How it fits together").strip().splitlines()) <= PICTURE_LINES
