"""The scripts of the page lie on floors: who may use whom, read from the scripts themselves and their order."""

import re
import tomllib
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.web.conftest import WEB

# A folder's scripts use their own folder and those named here.
FLOORS: dict[str, set[str]] = {
    "protocol": set(),
    "state": {"protocol"},
    "device": {"protocol"},
    "view": {"protocol", "state", "device"},
    "": {"protocol", "state", "device", "view"},  # main.js
}
PURE = ("protocol", "state")
# The world outside of the values that go in and come out.
WORLD = (
    "addEventListener",
    "clearTimeout",
    "crypto",
    "document",
    "fetch",
    "localStorage",
    "location",
    "matchMedia",
    "navigator",
    "performance",
    "requestAnimationFrame",
    "sessionStorage",
    "setInterval",
    "setTimeout",
    "window",
    "BroadcastChannel",
    "WebSocket",
)
IMPURE = re.compile(rf"(?<![\w.$])(?:(?:{'|'.join(WORLD)})\b|Date\.now\b|Math\.random\b|new Date\(\))")
COMMENT_OR_STRING = re.compile(r"""("(?:\\.|[^"\\\n])*")|//[^\n]*|/\*.*?\*/""", re.DOTALL)
TOP_LEVEL = re.compile(r"^(?:const|let|var|class|function|async function) (\w+)", re.MULTILINE)
RETURNED = re.compile(r"^  return \{([^{}]*)\};\n\}\)\(\);\n\Z", re.MULTILINE)

JS = WEB / "js"
ORDER = re.findall(r'<script src="js/([^"]+)">', (WEB / "index.html").read_text(encoding="utf-8"))


def code_of(source: str) -> str:
    """Return a script without its comments, and its plain strings empty (templates stay: they hold code)."""
    return COMMENT_OR_STRING.sub(lambda found: '""' if found[1] else " ", source)


CODE = {name: code_of((JS / name).read_text(encoding="utf-8")) for name in ORDER}
TESTS = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.rglob("test_*.py"))
NAME = {name: TOP_LEVEL.findall(code)[0] for name, code in CODE.items()}


def floor(name: str) -> str:
    """Return the folder of a script; that of main.js is empty."""
    return name.rpartition("/")[0]


def uses(code: str, top_level: str) -> bool:
    """Say whether a script's code has another's top-level name in it."""
    return re.search(rf"(?<![\w.$]){top_level}\b(?!:)", code) is not None


def test_the_page_names_every_script_once() -> None:
    """Nothing is left over, nothing is missing."""
    assert sorted(ORDER) == sorted(path.relative_to(JS).as_posix() for path in JS.rglob("*.js"))


def test_every_folder_is_packaged() -> None:
    """A folder of web/ that pyproject.toml doesn't list would be missing where the bridge is installed."""
    tool = tomllib.loads((WEB.parent / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    folders = [WEB, *(path for path in WEB.rglob("*") if path.is_dir())]
    wanted = {".".join(("ws_bridge", *path.relative_to(WEB.parent).parts)): path for path in folders}
    found = {name: WEB.parent / path for name, path in tool["package-dir"].items()}
    assert {name: path for name, path in found.items() if name.startswith("ws_bridge.web")} == wanted
    assert set(wanted) == {name for name in tool["packages"] if name.startswith("ws_bridge.web")}


def test_the_order_is_that_of_the_floors() -> None:
    """First the lowest floor, main.js last."""
    floors = [floor(name) for name in ORDER]
    assert floors == sorted(floors, key=list(FLOORS).index)


@pytest.mark.parametrize("name", ORDER)
def test_a_script_has_one_top_level_name(name: str) -> None:
    """That of its file, and no browser's own, which it would hide."""
    assert TOP_LEVEL.findall(CODE[name]) == [NAME[name]]
    assert NAME[name].lower() == Path(name).stem.replace("_", "")


def test_no_two_scripts_share_a_name() -> None:
    """Neither the file's nor the top-level one."""
    assert len({Path(name).stem for name in ORDER}) == len(ORDER)
    assert len(set(NAME.values())) == len(ORDER)


@pytest.mark.parametrize("name", ORDER)
def test_a_script_uses_only_what_stands_before_it(name: str) -> None:
    """In the order of the page, and on the floors that its folder may use."""
    used = [other for other in ORDER if other != name and uses(CODE[name], NAME[other])]
    assert not [other for other in used if ORDER.index(other) > ORDER.index(name)]
    assert {floor(other) for other in used} <= FLOORS[floor(name)] | {floor(name)}


@pytest.mark.parametrize("name", [name for name in ORDER if floor(name) in PURE])
def test_protocol_and_state_are_pure(name: str) -> None:
    """No clock, no randomness, no document, no network, no storage."""
    assert IMPURE.findall(CODE[name]) == []


@pytest.mark.parametrize("name", ORDER[:-1])
def test_what_a_script_offers_is_used(name: str) -> None:
    """A name that it returns, and that no other script and no test asks for, is dead or need not be returned."""
    found = RETURNED.search(CODE[name])
    offered = re.findall(r"(?:^|,)\s*(\w+)(?=\s*[,:]|\s*$)", found[1]) if found else []
    others = "".join(code for other, code in CODE.items() if other != name) + TESTS
    assert [one for one in offered if not re.search(rf"\b{NAME[name]}\.{one}\b", others)] == []


def test_only_main_touches_the_world_when_it_is_loaded(browser: Browser) -> None:
    """All other scripts are run where each such name is a trap."""
    script = """({ source, world }) => {
      const trap = (name) => {
        const fail = () => { throw new Error(`${name} is touched`); };
        return new Proxy(fail, { get: fail, set: fail, has: fail, apply: fail, construct: fail });
      };
      try {
        new Function(...world, source)(...world.map(trap));
      } catch (fault) {
        return fault.message;
      }
      return null;
    }"""
    page = browser.new_page()

    def load(source: str) -> object:
        return page.evaluate(script, {"source": f'"use strict";\n{source}', "world": list(WORLD)})

    scripts = "".join((JS / name).read_text(encoding="utf-8") for name in ORDER[:-1])
    assert load(scripts) is None
    assert load(f"{scripts}{(JS / ORDER[-1]).read_text(encoding='utf-8')}") == "location is touched"
    page.close()


def test_the_top_level_names_hide_nothing_of_the_browsers(browser: Browser) -> None:
    """`Text` would hide the class of every text node."""
    page = browser.new_page()
    assert page.evaluate("names => names.filter((name) => name in globalThis)", list(NAME.values())) == []
    page.close()


def test_the_reader_of_scripts_reads() -> None:
    """It sees code in templates, and no code in comments and strings."""
    code = code_of('const a = "Wire.x"; // State.y\n/* View\n.z */ const b = `${Names.fold("//")}`; setTimeout(b);')
    assert [name for name in ("Wire", "State", "View", "Names") if uses(code, name)] == ["Names"]
    assert IMPURE.findall(code) == ["setTimeout"]
    assert TOP_LEVEL.findall("const A = 1;\n  const b = 2;\nclass C {\n") == ["A", "C"]
