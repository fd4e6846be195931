"""The page and the reports, as responses without a connection."""

import json
import os
import re
from pathlib import Path

import pytest
from websockets.http11 import Response

from ws_bridge import page as page_module
from ws_bridge.page import CONTENT_SECURITY_POLICY, Page, find_web
from ws_bridge.stats import Stats


class State:
    is_linked = True
    room_count = 3

    def __len__(self) -> int:
        return 2


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
    (tmp_path / "outside.txt").write_text("secret")
    (web / "link.txt").symlink_to(tmp_path / "outside.txt")
    return web


@pytest.fixture
def page(folder: Path) -> Page:
    return Page(folder, "1.2", State(), Stats(deliveries=5))


def get(page: Page, path: str) -> Response:
    return page.respond("GET", path)


@pytest.mark.parametrize(
    ("path", "content_type", "body"),
    [
        ("/", "text/html; charset=utf-8", b"<p>chat"),
        ("/?room=lobby", "text/html; charset=utf-8", b"<p>chat"),
        ("/index.html", "text/html; charset=utf-8", b"<p>chat"),
        ("/style.css", "text/css; charset=utf-8", b"p{}"),
        ("/js/main.js", "text/javascript; charset=utf-8", b"'use strict'"),
        ("/%6as/main%2ejs", "text/javascript; charset=utf-8", b"'use strict'"),
        ("/icon%20%C3%A4.svg", "image/svg+xml", b"<svg/>"),
    ],
)
def test_files(page: Page, path: str, content_type: str, body: bytes) -> None:
    """Each file comes with its type, and with every header that protects the page."""
    response = get(page, path)
    assert (response.status_code, response.headers["Content-Type"], response.body) == (200, content_type, body)
    assert response.headers["Content-Length"] == str(len(body))
    assert response.headers["Cache-Control"] == "no-cache"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert response.headers["Referrer-Policy"] == "no-referrer"


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
def test_nothing_else(page: Page, path: str) -> None:
    """No spelling of a path leaves the folder, and only the page's kinds of file are served."""
    response = get(page, path)
    assert response.status_code == 404
    assert b"secret" not in response.body
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_every_file_above_is_out_of_reach(page: Page, tmp_path: Path) -> None:
    """The file behind the attempts above does exist."""
    (tmp_path / "web" / "outside.txt").write_text("found")
    assert get(page, "/outside.txt").body == b"found"


def test_head(page: Page) -> None:
    """HEAD has the headers of GET, without the body."""
    for path in ("/", "/missing", "/healthz", "/metrics"):
        got, headed = page.respond("GET", path), page.respond("HEAD", path)
        assert headed.body == b""
        assert headed.status_code == got.status_code
        assert headed.headers["Content-Length"] == str(len(got.body))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"])
def test_other_methods(page: Page, method: str) -> None:
    """The page is read, never written."""
    response = page.respond(method, "/")
    assert (response.status_code, response.headers["Allow"]) == (405, "GET, HEAD")


def test_unchanged_files_are_not_sent_again(page: Page, folder: Path) -> None:
    """A browser that has the file gets 304, until it changes."""
    tag = get(page, "/").headers["ETag"]
    for given in (tag, f'"other", {tag}'):
        response = page.respond("GET", "/", given)
        assert (response.status_code, response.body) == (304, b"")
        assert "Content-Length" not in response.headers
    (folder / "index.html").write_text("<p>new")
    assert page.respond("GET", "/", tag).status_code == 200


def test_health(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 while there is no server, so that a load balancer goes elsewhere."""
    response = get(page, "/healthz")
    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/json")
    assert json.loads(response.body) == {"link": True, "browsers": 2, "version": "1.2"}
    monkeypatch.setattr(State, "is_linked", False)
    response = get(page, "/healthz")
    assert (response.status_code, json.loads(response.body)["link"]) == (503, False)


def test_metrics(page: Page) -> None:
    """Prometheus' text format: HELP, TYPE and a number for each."""
    response = get(page, "/metrics")
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = bytes(response.body).decode().splitlines()
    assert len(lines) % 3 == 0
    for help_line, type_line, line in zip(lines[::3], lines[1::3], lines[2::3], strict=True):
        name, value = line.split()
        assert re.fullmatch(r"ws_bridge_[a-z_]+", name)
        assert value.isdigit()
        assert help_line.startswith(f"# HELP {name} ")
        assert type_line == f"# TYPE {name} {'counter' if name.endswith('_total') else 'gauge'}"
    assert {"ws_bridge_browsers 2", "ws_bridge_rooms 3", "ws_bridge_deliveries_total 5"} <= set(lines)


def test_where_the_page_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the package in a checkout, within it when installed; there nobody else's folder counts."""
    package = tmp_path / "ws_bridge"
    (package / "web").mkdir(parents=True)
    monkeypatch.setattr(page_module, "__file__", str(package / "page.py"))
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "index.html").write_text("")
    assert find_web() == tmp_path / "web"
    (package / "web" / "index.html").write_text("")
    assert find_web() == package / "web"


def test_the_policy_fits_the_page() -> None:
    """Its own scripts and styles, any chat server; nothing from elsewhere, nothing inline."""
    assert "script-src 'self';" in CONTENT_SECURITY_POLICY
    assert "connect-src 'self' ws: wss:;" in CONTENT_SECURITY_POLICY
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert os.linesep not in CONTENT_SECURITY_POLICY
