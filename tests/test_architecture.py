"""Who may import whom, read from the imports themselves. The tables here are the architecture: change both together."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("tcp_server", "ws_bridge", "cli_client")

# Folders are floors: a file imports from its own folder and from those named here, also for the type checker alone.
# A module may be named by itself. A folder's `__init__` belongs to the folder.
FLOORS: dict[str, set[str]] = {
    "tcp_server": {
        "tcp_server.wordpacket",
        "tcp_server.protocol",
        "tcp_server.net",
        "tcp_server.chat",
        "tcp_server.log.interface",
        "tcp_server.log.sqlite_log",  # made by __main__
        "tcp_server.log.upkeep",  # opened by archiving
        "tcp_server.delivery",
    },
    "tcp_server.protocol": {"tcp_server.wordpacket"},
    "tcp_server.net": set(),
    "tcp_server.chat": {"tcp_server.protocol"},
    "tcp_server.log": {"tcp_server.protocol", "tcp_server.chat"},
    "tcp_server.delivery": {
        "tcp_server.wordpacket",
        "tcp_server.protocol",
        "tcp_server.net",
        "tcp_server.chat",
        "tcp_server.log.interface",
    },
    "ws_bridge": {"tcp_server.wordpacket", "tcp_server.protocol", "tcp_server.net"},
    "cli_client": {
        "tcp_server.wordpacket",
        "tcp_server.protocol",
        "tcp_server.net",
        "cli_client.library",
        "cli_client.chat",
        "cli_client.screen",
        "cli_client.pipe",
    },
    "cli_client.library": {"tcp_server.wordpacket", "tcp_server.protocol", "tcp_server.net"},
    # Of the library only its pure values, and the rules for targets and texts: a command has to hold a name or a text
    # against the same rules as the library that sends it.
    "cli_client.chat": {
        "cli_client.library.events",
        "cli_client.library.outbox",
        "cli_client.library.targets",
        "cli_client.library.text",
        "tcp_server.protocol",
    },
    "cli_client.screen": {"cli_client.chat", "cli_client.library", "tcp_server.protocol"},
    "cli_client.pipe": {"cli_client.chat", "cli_client.library", "tcp_server.protocol"},
}
# What stands at the bottom of a folder, for anybody to build on.
BOTTOM = {"tcp_server.wordpacket", "tcp_server.protocol.names", "tcp_server.net.outlet", "tcp_server.net.process"}
# Values in, values out: no clock, no socket, no loop, neither in these folders and files nor in what they import of
# ours.
PURE = {
    "tcp_server.wordpacket",
    "tcp_server.protocol",
    "tcp_server.chat",
    "tcp_server.log.visible",
    "tcp_server.delivery.fanout",
    "ws_bridge.translate",
    "cli_client.chat",
    "cli_client.library.resume",
    "cli_client.library.log_place",
}
IMPURE = {
    "asyncio",
    "random",
    "secrets",
    "select",
    "selectors",
    "socket",
    "sqlite3",
    "ssl",
    "threading",
    "time",
    "uvloop",
    "websockets",
}
# Where a library may be used; each has one home.
HOMES = {
    "sqlite3": {"tcp_server.log"},
    "websockets": {"ws_bridge"},
    "prompt_toolkit": {"cli_client.screen"},
    "uvloop": {"tcp_server.net.process"},
    "filelock": {"tcp_server.folder", "cli_client.library.store"},
}


def module_name(path: Path) -> str:
    """Return a file's dotted name; a folder's `__init__` bears the name of the folder."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(tree: ast.AST) -> list[ast.Import | ast.ImportFrom]:
    """Return all imports of a file, those under TYPE_CHECKING too."""
    return [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]


FILES = {module_name(path): path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))}
FOLDERS = {name for name, path in FILES.items() if path.stem == "__init__"}


def imported(path: Path) -> set[str]:
    """Return the dotted names of the modules that a file imports."""
    names: set[str] = set()
    for node in imports_of(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif node.level:
            raise AssertionError(f"{path}: imports are absolute here")
        else:
            modules = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= {name if name in FILES else str(node.module) for name in modules}
    return names


IMPORTS = {module: imported(path) for module, path in FILES.items()}


def ours(module: str) -> set[str]:
    """Return what a module imports of our packages."""
    return {name for name in IMPORTS[module] if name.partition(".")[0] in PACKAGES}


def folder(module: str) -> str:
    """Return the folder that a module lies in."""
    return module if module in FOLDERS else module.rpartition(".")[0]


def is_within(module: str, places: set[str]) -> bool:
    """Say whether a module is one of these, or lies in one of these folders (not in a folder of that folder)."""
    return module in places or folder(module) in places


def closure(module: str) -> set[str]:
    """Return a module and all of ours that it imports, directly or not."""
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += ours(name)
    return seen


def test_every_folder_is_a_floor() -> None:
    """A new folder is put into the table, a removed one taken out."""
    assert set(FLOORS) == FOLDERS


@pytest.mark.parametrize("floor", FLOORS)
def test_a_folder_imports_only_the_floors_below(floor: str) -> None:
    """Its own files, and what the table allows."""
    for module in FILES:
        if folder(module) == floor:
            above = {name for name in ours(module) if not is_within(name, FLOORS[floor]) and folder(name) != floor}
            assert not above, f"{module} imports {sorted(above)}"


def test_no_two_folders_import_each_other() -> None:
    """The table itself has no circle; a folder and the folders in it are apart."""
    TopologicalSorter({floor: below & FOLDERS for floor, below in FLOORS.items()}).prepare()


def test_no_two_files_import_each_other() -> None:
    """Not even for the type checker, and not by a detour."""
    TopologicalSorter({module: ours(module) for module in IMPORTS}).prepare()


@pytest.mark.parametrize("module", sorted(BOTTOM))
def test_the_bottom_stands_on_nothing(module: str) -> None:
    """So that it can be taken alone."""
    assert ours(module) == set()


@pytest.mark.parametrize("place", sorted(PURE))
def test_the_pure_places_are_pure(place: str) -> None:
    """With all that they import of ours."""
    modules = [module for module in FILES if module == place or folder(module) == place]
    assert modules
    for name in set().union(*map(closure, modules)):
        outside = {other.partition(".")[0] for other in IMPORTS[name]}
        assert not outside & IMPURE, f"{name} imports {outside & IMPURE}"


@pytest.mark.parametrize("library", HOMES)
def test_every_library_has_its_home(library: str) -> None:
    """Nobody else imports it."""
    for module, names in IMPORTS.items():
        if any(name.partition(".")[0] == library for name in names):
            assert any(f"{module}.".startswith(f"{home}.") for home in HOMES[library]), module


@pytest.mark.parametrize("package", ["tcp_server", "ws_bridge"])
def test_a_folder_itself_imports_nothing(package: str) -> None:
    """`import tcp_server` loads no server."""
    for name in FOLDERS:
        if name.partition(".")[0] == package:
            assert IMPORTS[name] == set()


def test_the_public_library_stands_on_the_library_alone() -> None:
    """`from cli_client import Client` needs no face; the folders in the package import nothing by themselves."""
    for name in FOLDERS:
        if name.partition(".")[0] == "cli_client":
            allowed = {"cli_client.library", "tcp_server.protocol"} if name == "cli_client" else set()
            assert all(is_within(module, allowed) for module in ours(name)), name


def test_every_folder_says_what_lives_there() -> None:
    """And who may come in: the first thing that somebody reads who opens it."""
    for name in FOLDERS:
        assert ast.get_docstring(ast.parse(FILES[name].read_text())), name


def test_the_word_packet_library_loads_no_event_loop() -> None:
    """`import tcp_server.wordpacket` in a fresh interpreter: nothing that a plain socket doesn't need."""
    code = (
        "import sys; before = set(sys.modules); import tcp_server.wordpacket;"
        "print(sorted((set(sys.modules) - before) & {'asyncio', 'socket', 'threading', 'ssl', 'msgspec', 'sqlite3'}))"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


def test_the_reader_of_imports_reads() -> None:
    """It sees what is executed, wherever it stands, and what is for the type checker alone."""
    source = """
import a.b
if TYPE_CHECKING:
    import c
else:
    import d
def f():
    from e import g
try:
    import h
except ImportError:
    pass
"""
    found = [ast.unparse(node) for node in imports_of(ast.parse(source))]
    assert sorted(found) == ["from e import g", "import a.b", "import c", "import d", "import h"]


# Names that are the same thing on two sides: the two ends of a conversation, or of a program's work.
BOTH_SIDES = {"outputs"}  # of a pure machine: the hub's, and the client's session's


def test_one_noun_has_one_name() -> None:
    """No two files share a name, and no two classes, but for packets that both sides say."""
    stems: dict[str, list[str]] = {}
    classes: dict[str, list[str]] = {}
    packets = {"tcp_server.protocol.client_packets", "tcp_server.protocol.server_packets"}
    for module, path in FILES.items():
        if path.stem not in ("__init__", "__main__") and path.stem not in BOTH_SIDES:
            stems.setdefault(path.stem, []).append(module)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                classes.setdefault(node.name.lstrip("_"), []).append(module)
    twice = [places for places in (*stems.values(), *classes.values()) if len(places) > 1 and set(places) != packets]
    assert twice == []
