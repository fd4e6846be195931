"""The page and the reports, as responses without a connection."""

import json
import os
import re
from pathlib import Path

import pytest
from websockets.http11 import Response

from ws_bridge.files import Files
from ws_bridge.page import CONTENT_SECURITY_POLICY, Page
from ws_bridge.stats import Stats


class State:
    is_linked = True
    room_count = 3

    def __len__(self) -> int:
        return 2


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "index.html").write_text("<p>chat")
    return tmp_path


@pytest.fixture
def page(folder: Path) -> Page:
    return Page(Files(folder, lambda: 0), "1.2", State(), Stats(deliveries=5))


def get(page: Page, path: str) -> Response:
    return page.respond("GET", path)


def test_a_file(page: Page) -> None:
    """It comes with its type, and with every header that protects the page."""
    response = get(page, "/?room=lobby")
    assert (response.status_code, response.body) == (200, b"<p>chat")
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert response.headers["Content-Length"] == "7"
    assert response.headers["Cache-Control"] == "no-cache"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert response.headers["Referrer-Policy"] == "no-referrer"


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


def test_no_file(page: Page) -> None:
    """The answer protects the page too."""
    response = get(page, "/missing.html")
    assert response.status_code == 404
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_unchanged_files_are_not_sent_again(page: Page) -> None:
    """A browser that has the file gets 304, one that has another gets it."""
    tag = get(page, "/").headers["ETag"]
    for given in (tag, f'"other", {tag}'):
        response = page.respond("GET", "/", given)
        assert (response.status_code, response.body) == (304, b"")
        assert "Content-Length" not in response.headers
    assert page.respond("GET", "/", '"other"').status_code == 200


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


def test_the_policy_fits_the_page() -> None:
    """Its own scripts and styles, any chat server; nothing from elsewhere, nothing inline."""
    assert "script-src 'self';" in CONTENT_SECURITY_POLICY
    assert "connect-src 'self' ws: wss:;" in CONTENT_SECURITY_POLICY
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert os.linesep not in CONTENT_SECURITY_POLICY


def test_the_page_works_under_a_path() -> None:
    """Behind a proxy that serves it as /chat/: every file that it names lies beside it."""
    html = (Path(__file__).parents[2] / "web" / "index.html").read_text()
    links = re.findall(r'(?:src|href)="([^"#]+)"', html)
    assert len(links) > 10
    assert [link for link in links if link.startswith("/") or ":" in link] == []
