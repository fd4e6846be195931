"""Who may import whom, read from the imports themselves. The tables here are the architecture: change both together."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("tcp_server", "ws_bridge", "cli_client")

# The server's modules by subject. A subject may import what stands before it, and itself.
SUBJECTS = {
    "protocol": {"wordpacket", "names", "messages", "fields", "requests"},
    "chat": {"session", "state", "tokens", "directory", "actions", "hub"},
    "log": {"rows", "database", "refs", "visible", "readings", "log", "search", "answers", "archive"},
    "wire": {"outlet", "connection", "fanout", "port", "direct", "link", "delivery", "keeper"},
    "shell": {"process", "listening", "clock", "folder", "worker", "committer", "upkeep", "server", "__main__"},
}
# What stands at the bottom, for anybody to build on.
LIBRARY: dict[str, set[str]] = {
    "wordpacket": set(),
    "names": set(),
    "messages": set(),
    "fields": {"messages", "names"},
    "requests": {"fields", "messages", "names"},
    "outlet": set(),
    "process": set(),
    "listening": {"process"},
}
# All that the bridge and the client know of the server's code.
SHARED = {
    "ws_bridge": {f"tcp_server.{module}" for module in LIBRARY if module != "fields"},
    "cli_client": {f"tcp_server.{module}" for module in ("wordpacket", "names", "messages", "requests")},
}
# Values in, values out: no clock, no socket, no loop, neither here nor in what they import of ours.
PURE = {
    *(f"tcp_server.{module}" for module in SUBJECTS["protocol"] | SUBJECTS["chat"]),
    "tcp_server.visible",
    "tcp_server.fanout",
    "ws_bridge.translate",
    "cli_client.session",
}
IMPURE = {"asyncio", "socket", "threading", "time", "select", "selectors", "ssl", "sqlite3", "uvloop", "websockets"}
# Where a library may be used; each has one home.
HOMES = {
    "sqlite3": {f"tcp_server.{module}" for module in SUBJECTS["log"]} | {"tcp_server.upkeep"},
    "websockets": {"ws_bridge"},
    "prompt_toolkit": {"cli_client"},
    "uvloop": {"tcp_server.process"},
    "filelock": {"tcp_server.folder", "cli_client.store"},
}


def runtime_imports(tree: ast.AST) -> list[ast.Import | ast.ImportFrom]:
    """Return the imports that are executed: not those for the type checker alone."""
    found: list[ast.Import | ast.ImportFrom] = []
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            found += runtime_imports(ast.Module(node.orelse, []))
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found.append(node)
        else:
            found += runtime_imports(node)
    return found


def imported(path: Path) -> set[str]:
    """Return the names of the modules that a file imports; of our own packages the modules in them."""
    names: set[str] = set()
    for node in runtime_imports(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif node.level:
            raise AssertionError(f"{path}: imports are absolute here")
        elif node.module in PACKAGES:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        else:
            names.add(str(node.module))
    return names


IMPORTS = {
    f"{package}.{path.stem}": imported(path)
    for package in PACKAGES
    for path in sorted((ROOT / package).glob("*.py"))
    if path.stem != "__init__"
}


def ours(module: str) -> set[str]:
    """Return what a module imports of our packages."""
    return {name for name in IMPORTS[module] if name.partition(".")[0] in PACKAGES}


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


def test_every_module_of_the_server_has_its_subject() -> None:
    """Exactly one; a new module is put into the table, a removed one taken out."""
    modules = sorted(name.partition(".")[2] for name in IMPORTS if name.startswith("tcp_server."))
    assert sorted(module for subject in SUBJECTS.values() for module in subject) == modules


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_subject_imports_only_what_stands_before_it(subject: str) -> None:
    """And nothing of the other programs."""
    allowed: set[str] = set()
    for name, modules in SUBJECTS.items():
        allowed |= {f"tcp_server.{module}" for module in modules}
        if name == subject:
            break
    for module in SUBJECTS[subject]:
        assert ours(f"tcp_server.{module}") <= allowed, module


@pytest.mark.parametrize("module", LIBRARY)
def test_the_library_stands_on_nothing(module: str) -> None:
    """So that it can be taken alone."""
    assert ours(f"tcp_server.{module}") <= {f"tcp_server.{name}" for name in LIBRARY[module]}


@pytest.mark.parametrize("package", ["ws_bridge", "cli_client"])
def test_the_other_programs_know_the_protocol_alone(package: str) -> None:
    """Of the server they import what is shared, of each other nothing."""
    for module in IMPORTS:
        if module.startswith(f"{package}."):
            foreign = {name for name in ours(module) if not name.startswith(f"{package}.")}
            assert foreign <= SHARED[package], module


def test_there_are_no_cycles() -> None:
    """At run time; an import for the type checker may point back."""
    TopologicalSorter({module: ours(module) for module in IMPORTS}).prepare()


@pytest.mark.parametrize("module", sorted(PURE))
def test_the_pure_modules_are_pure(module: str) -> None:
    """With all that they import of ours."""
    for name in closure(module):
        outside = {other.partition(".")[0] for other in IMPORTS[name]}
        assert not outside & IMPURE, f"{name} imports {outside & IMPURE}"


@pytest.mark.parametrize("library", HOMES)
def test_every_library_has_its_home(library: str) -> None:
    """Nobody else imports it."""
    for module, names in IMPORTS.items():
        if any(name.partition(".")[0] == library for name in names):
            assert {module, module.partition(".")[0]} & HOMES[library], module


def test_a_package_itself_imports_nothing() -> None:
    """`import tcp_server` loads no server."""
    for package in PACKAGES:
        assert imported(ROOT / package / "__init__.py") == set()


def test_the_library_loads_no_event_loop() -> None:
    """`import tcp_server.wordpacket` in a fresh interpreter: nothing that a plain socket doesn't need."""
    code = (
        "import sys; before = set(sys.modules); import tcp_server.wordpacket;"
        "print(sorted((set(sys.modules) - before) & {'asyncio', 'socket', 'threading', 'ssl', 'msgspec', 'sqlite3'}))"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


def test_the_reader_of_imports_reads() -> None:
    """It sees what is executed, and not what is for the type checker."""
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
    tree = ast.parse(source)
    assert [ast.unparse(node) for node in runtime_imports(tree)] == [
        "import a.b",
        "import d",
        "from e import g",
        "import h",
    ]
