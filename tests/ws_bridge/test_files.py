"""The page's files: which there are, and how a change of them is noticed."""

import os
from pathlib import Path

import pytest

from ws_bridge import files as files_module
from ws_bridge.files import LOOK_SECONDS, Files, find_web


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A page, and secrets around it."""
    web = tmp_path / "web"
    (web / "js").mkdir(parents=True)
    (web / ".hidden").mkdir()
    (web / "index.html").write_text("<p>chat")
    (web / "style.css").write_text("p{}")
    (web / "js" / "main.js").write_text("'use strict'")
    (web / "icon ä.svg").write_text("<svg/>")
    (web / "notes.py").write_text("secret")
    (web / ".env.txt").write_text("secret")
    (web / ".hidden" / "a.txt").write_text("secret")
    os.mkfifo(web / "pipe.txt")
    (tmp_path / "outside.txt").write_text("secret")
    (web / "link.txt").symlink_to(tmp_path / "outside.txt")
    return web


@pytest.fixture
def files(folder: Path) -> Files:
    return Files(folder)


@pytest.mark.parametrize(
    ("path", "content_type", "body"),
    [
        ("/", "text/html; charset=utf-8", b"<p>chat"),
        ("/index.html", "text/html; charset=utf-8", b"<p>chat"),
        ("/style.css", "text/css; charset=utf-8", b"p{}"),
        ("/js/main.js", "text/javascript; charset=utf-8", b"'use strict'"),
        ("/%6as/main%2ejs", "text/javascript; charset=utf-8", b"'use strict'"),
        ("/icon%20%C3%A4.svg", "image/svg+xml", b"<svg/>"),
    ],
)
def test_files(files: Files, path: str, content_type: str, body: bytes) -> None:
    """Each file has its type; a path may be spelt with percent signs."""
    file = files.find(path)
    assert file is not None
    assert (file.content_type, file.body) == (content_type, body)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "index.html",
        "*",
        "http://x/index.html",
        "//etc/passwd.txt",
        "/js",
        "/js/",
        "/missing.html",
        "/notes.py",
        "/.env.txt",
        "/.hidden/a.txt",
        "/link.txt",
        "/../outside.txt",
        "/js/../../outside.txt",
        "/%2e%2e/outside.txt",
        "/%2e%2e%2foutside.txt",
        "/js/%2e%2e/%2e%2e/outside.txt",
        "/..%5coutside.txt",
        "/%2foutside.txt",
        "/c:/outside.txt",
        "/outside.txt%00.html",
        "/%ff.html",
        "/index.html/",
        "/index.html/x.html",
        "/" + "x" * 300 + ".html",
    ],
)
def test_nothing_else(files: Files, path: str) -> None:
    """No spelling of a path leaves the folder, and only the page's kinds of file are served."""
    assert files.find(path) is None


def test_every_file_above_is_out_of_reach(folder: Path) -> None:
    """The file behind the attempts above does exist."""
    (folder / "outside.txt").write_text("found")
    file = Files(folder).find("/outside.txt")
    assert file is not None
    assert file.body == b"found"


def test_a_change_is_noticed(folder: Path) -> None:
    """A new, a changed and a lost file, at the first request a second later and not before."""
    now = 0.0
    files = Files(folder, lambda: now)
    known = {path: files.find(path) for path in ("/", "/style.css", "/js/main.js", "/new.txt")}
    (folder / "index.html").write_text("<p>new")
    (folder / "style.css").unlink()
    (folder / "new.txt").write_text("new")
    now = LOOK_SECONDS * 0.9
    assert {path: files.find(path) for path in known} == known
    now = LOOK_SECONDS
    changed, same, new = files.find("/"), files.find("/js/main.js"), files.find("/new.txt")
    assert changed is not None
    assert changed.body == b"<p>new"
    assert changed is files.find("/index.html")
    assert changed.tag != getattr(known["/"], "tag", None)
    assert files.find("/style.css") is None
    assert same is known["/js/main.js"]
    assert new is not None
    assert new.body == b"new"


def test_a_request_reads_nothing(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it asks for: a flood of requests costs no work on the disk."""
    monkeypatch.setattr(files_module, "LOOK_SECONDS", 1e6)
    monkeypatch.setattr(Path, "stat", None)
    monkeypatch.setattr(Path, "read_bytes", None)
    assert files.find("/") is not None
    assert files.find("/missing.html") is None


def test_no_folder(tmp_path: Path) -> None:
    """Without a page there is nothing to find."""
    assert Files(tmp_path / "missing").find("/") is None


def test_where_the_page_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the package in a checkout, within it when installed; there nobody else's folder counts."""
    package = tmp_path / "ws_bridge"
    (package / "web").mkdir(parents=True)
    monkeypatch.setattr(files_module, "__file__", str(package / "files.py"))
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "index.html").write_text("")
    assert find_web() == tmp_path / "web"
    (package / "web" / "index.html").write_text("")
    assert find_web() == package / "web"
