"""What happens by accident: a key of an input method, a dropped file, a hostile or silent server, a strange path."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import WEB, SignIn, write
from tests.web.fake_server import FakeServer

# A key as an input method sends it: Chromium's while it composes, and WebKit's, which ends the composition first.
COMPOSED = """([id, key, isComposing]) => {
  const event = new KeyboardEvent("keydown", { key, isComposing, bubbles: true, cancelable: true });
  Object.defineProperty(event, "keyCode", { value: 229 });
  document.getElementById(id).dispatchEvent(event);
}"""
DROP = """([type, id]) => {
  const dataTransfer = new DataTransfer();
  if (type === "file") dataTransfer.items.add(new File(["x"], "x.txt"));
  else dataTransfer.setData(type, "https://a.test/");
  return ["dragover", "drop"].map((name) => {
    const event = new DragEvent(name, { dataTransfer, bubbles: true, cancelable: true });
    document.getElementById(id).dispatchEvent(event);
    return event.defaultPrevented;
  });
}"""


@pytest.mark.parametrize("composing", [True, False], ids=["composing", "just ended"])
def test_a_key_of_an_input_method_is_its_own(signed_in: SignIn, server: FakeServer, composing: bool) -> None:
    """Escape closes nothing, Enter sends nothing, arrows and Tab choose nothing, in no field."""
    page = signed_in()
    page.locator("#topic").click()
    page.locator("#topic-input").fill("half a topic")
    page.evaluate(COMPOSED, ["topic-input", "Escape", composing])
    expect(page.locator("#topic-input")).to_be_visible()
    expect(page.locator("#topic-input")).to_have_value("half a topic")
    page.keyboard.press("Escape")
    expect(page.locator("#topic-input")).to_be_hidden()
    page.locator("#show-search").click()
    page.evaluate(COMPOSED, ["search-input", "Escape", composing])
    expect(page.locator("#search-input")).to_be_visible()
    composer = page.locator("#composer")
    composer.fill("/jo")
    for key in ("Enter", "Escape", "Tab", "ArrowUp", "ArrowDown"):
        page.evaluate(COMPOSED, ["composer", key, composing])
    expect(composer).to_have_value("/jo")
    expect(page.locator("#completions [aria-selected=true]")).to_have_count(0)
    composer.fill("かいぎ")
    page.evaluate(COMPOSED, ["composer", "Enter", composing])
    expect(composer).to_have_value("かいぎ")
    composer.press("Enter")
    expect(page.locator(".message[data-state=sent] .text")).to_have_text("かいぎ")


def test_a_dropped_file_stays_outside(signed_in: SignIn, page: Page, server: FakeServer) -> None:
    """Neither at the form nor in the chat does the browser show it in place of the page; the person is told."""
    page.goto(server.url())
    assert page.evaluate(DROP, ["file", "nickname"]) == [True, True]
    expect(page.locator("#signin-fault")).to_have_text("Files can't be sent in this chat")
    signed_in(page=page)
    assert page.evaluate(DROP, ["file", "messages"]) == [True, True]
    expect(page.locator("#slip")).to_have_text("Files can't be sent in this chat")
    assert page.evaluate(DROP, ["text/uri-list", "messages"]) == [True, True]
    assert page.evaluate(DROP, ["text/plain", "composer"]) == [False, False]


def test_one_does_not_write_to_oneself_by_accident(signed_in: SignIn) -> None:
    """One's own name in the list of members is a name; after a rename too."""
    page = signed_in()
    own = page.locator("#members li", has_text="alice")
    expect(own.locator("button")).to_have_count(0)
    own.click()
    expect(page.locator("#title")).to_have_text("#lobby")
    write(page, "/nick alicia")
    expect(page.locator("#members li")).to_have_text("ALalicia")
    expect(page.locator("#members button")).to_have_count(0)


def test_a_failed_message_marks_its_room(signed_in: SignIn, server: FakeServer) -> None:
    """Also while another is looked at, on a narrow page too, until it is tried again or discarded."""
    page = signed_in()
    write(page, "/join den")
    expect(page.locator("#title")).to_have_text("#den")
    server.refuse["MSG"] = "forbidden"
    write(page, "/msg #lobby not to be")
    page.locator('[data-key="#den"]').click()
    mark = page.locator('[data-key="#lobby"] .unsent')
    expect(mark).to_have_attribute("aria-label", "1 not sent")
    expect(page.locator('[data-key="#den"] .unsent')).to_have_count(0)
    page.set_viewport_size({"width": 390, "height": 800})
    expect(page.locator("#elsewhere")).to_have_text("!")
    page.set_viewport_size({"width": 1280, "height": 800})
    page.locator('[data-key="#lobby"]').click()
    page.get_by_role("button", name="Discard").click()
    expect(mark).to_have_count(0)


def test_only_news_is_read_out(signed_in: SignIn, server: FakeServer) -> None:
    """Not the window of a room that is looked at, nor a page of its past."""
    server.fill("den", 100)
    page = signed_in()
    log = page.locator("#messages")
    write(page, "/join den")
    expect(page.locator(".message")).not_to_have_count(0)
    expect(log).to_have_attribute("aria-live", "off")
    server.say("bob", "den", "news")
    expect(page.locator(".message .text").last).to_have_text("news")
    expect(log).to_have_attribute("aria-live", "polite")
    page.locator('[data-key="#lobby"]').click()
    expect(page.locator("#title")).to_have_text("#lobby")
    expect(log).to_have_attribute("aria-live", "off")
    page.locator('[data-key="#den"]').click()
    expect(page.locator(".message .text").last).to_have_text("news")
    expect(log).to_have_attribute("aria-live", "off")


def test_a_silent_server_is_said_to_be_silent(signed_in: SignIn, page: Page, server: FakeServer) -> None:
    """A message without an echo makes the page ask; from 5 s on it says since when there is no answer."""
    page.clock.install()
    signed_in(page=page)
    server.away = True
    write(page, "hello?")
    server.wait_for(lambda: bool(server.packets("MSG")))
    page.clock.run_for(2_100)
    server.wait_for(lambda: server.packets("PING")[-1]["ref"].startswith("alive"))
    page.clock.run_for(5_500)
    expect(page.locator("#link-state")).to_have_attribute("data-state", "reconnecting")
    expect(page.locator("#link-text")).to_have_text("No answer")
    expect(page.locator("#link-seconds")).to_have_text(re.compile(r"for [56] s"))
    expect(page.locator("#banner-text")).to_contain_text(re.compile(r"1 message unsent · No answer for [56] s"))
    page.clock.run_for(2_000)
    expect(page.locator("#link-seconds")).to_have_text(re.compile(r"for [78] s"))
    server.away = False
    page.clock.run_for(3_500)
    page.clock.resume()
    expect(page.locator("#link-state")).to_have_attribute("data-state", "live")
    expect(page.locator(".message[data-state=sent] .text")).to_have_text("hello?")
    assert len(server.packets("NICK")) == 2


def test_focus_asks_at_once(signed_in: SignIn, server: FakeServer) -> None:
    page = signed_in()
    page.evaluate("dispatchEvent(new Event('focus'))")
    server.wait_for(lambda: server.packets("PING")[-1]["ref"].startswith("alive"))


def test_a_bridge_under_a_path(page: Page, server: FakeServer) -> None:
    """Page, scripts and socket are all found beside each other, whatever page the address names."""
    server.folder = "/team/chat/"
    for name in ("", "index.html", "?from=mail", "index.html?x=/y/"):
        page.goto(server.url() + name)
        assert page.evaluate("document.getElementById('server').value") == f"ws://127.0.0.1:{server.port}/team/chat/ws"
    page.locator("#nickname").fill("alice")
    page.locator("#connect").click()
    expect(page.locator("#link-state")).to_have_attribute("data-state", "live")
    write(page, "hello")
    expect(page.locator(".message[data-state=sent]")).to_have_count(1)


def test_from_disk_there_is_a_policy(page: Page, faults: list[str]) -> None:
    """A file has no headers, so the page brings its own: foreign scripts, styles, pictures and requests are refused."""
    page.goto((WEB / "index.html").as_uri())
    script = """async () => {
      const refused = [];
      addEventListener("securitypolicyviolation", (event) => refused.push(event.effectiveDirective));
      const add = (tag, attributes) => document.body.append(Object.assign(document.createElement(tag), attributes));
      add("script", { textContent: "window.breached = true" });
      add("script", { src: "https://a.invalid/x.js" });
      add("img", { src: "https://a.invalid/x.png" });
      add("style", { textContent: "body { color: red }" });
      await fetch("https://a.invalid/").catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 100));
      return [window.breached ?? null, [...new Set(refused)].sort()];
    }"""
    breached, refused = page.evaluate(script)
    assert breached is None
    assert refused == ["connect-src", "img-src", "script-src-elem", "style-src-elem"]
    assert faults.copy() != []
    faults.clear()


STRANGE = [
    "",
    " ",
    "#",
    "@",
    "\u202e",
    "\u2068\u2069",
    "\u0301",
    "a\u0301" * 100,
    "x" * 256,
    "x" * 257,
    "\x1b[31m",
    "<b>x</b>",
    "__proto__",
    "constructor",
    "ﷺ",
    "👩\u200d🚀",
    "/quit",
    "אבג",
    "a b, c",
    "\n",
]


def strange(name: str) -> list[dict[str, Any]]:
    """Return a packet of each type with this in each text of it."""
    message = {"id": 90, "nickname": name, "message": name, "timestamp": "2026-11-22T10:00:00Z"}
    room = {"room": name, "topic": name, "count": 1, "users": [name], "id": 1}
    return [
        {"type": "ROOM", **room},
        {"type": "JOIN", "room": name, "nickname": name},
        {"type": "JOIN", "room": "lobby", "nickname": name},
        {"type": "TYPING", "room": "lobby", "nickname": name},
        {"type": "TYPING", "to": "alice", "nickname": name},
        {"type": "TYPING", "nickname": "alice"},
        {"type": "MSG", "room": "lobby", **message},
        {"type": "MSG", "to": "alice", **message, "id": 91},
        {"type": "MSG", "to": name, **message, "nickname": "alice", "id": 92, "action": True},
        {"type": "MSG", **message, "nickname": "alice", "id": 93},
        {"type": "TOPIC", "room": "lobby", "topic": name, "nickname": name},
        {"type": "NICK", "room": "lobby", "old": name, "nickname": "bob"},
        {"type": "NICK", "room": "lobby", "old": "bob", "nickname": name},
        {"type": "LEAVE", "room": "lobby", "nickname": name, "reason": name, "message": name},
        {"type": "LEAVE", "room": name, "nickname": "alice", "reason": name, "message": name},
        {"type": "ROOMS", "rooms": [room], "more": True},
        {"type": "USERS", "room": name, "count": -1, "users": [name], "more": True},
        {"type": "HISTORY", "room": name, "messages": [], "more": True, "ref": name},
        {"type": "SEARCH", "query": name, "messages": [], "more": True, "ref": name},
        {"type": "NOTICE", "message": name},
        {"type": "ERROR", "code": name, "message": name, "ref": name, "what": name, "retry_after": -1},
        {"type": name},
    ]


def test_names_that_are_none_raise_nothing(signed_in: SignIn, server: FakeServer) -> None:
    """Any text in any field of any packet: the page shows it or drops it, and goes on. (An uncaught error fails.)"""
    page = signed_in()
    for name in STRANGE:
        for packet in strange(name):
            server.broadcast(packet)
    server.say("bob", "lobby", "still here")
    page.locator('[data-key="#lobby"]').click()
    expect(page.locator(".message .text", has_text="still here")).to_be_visible()
    for key in page.locator("#rooms [data-key]").evaluate_all("all => all.map((one) => one.dataset.key)"):
        page.evaluate("key => main.dispatch({ type: 'look', key })", key)
        page.evaluate("() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))")
    page.evaluate("main.dispatch({ type: 'panel', panel: 'browse' })")
    expect(page.locator("#link-state")).to_have_attribute("data-state", re.compile("live"))
