"""composer.js: the input, its completions and its history."""

from playwright.sync_api import expect

from tests.web.conftest import SignIn, write
from tests.web.fake_server import FakeServer


def test_with_no_room_open_nothing_gets_lost(signed_in: SignIn, server: FakeServer) -> None:
    """What has no room to go to stays in the input, and what the server says is read there."""
    page = signed_in()
    write(page, "/leave")
    expect(page.locator("#title")).to_have_text("No room")
    write(page, "a long thought")
    expect(page.locator("#slip")).to_have_text("You are not in a room; use /join ROOM")
    expect(page.locator("#composer")).to_have_value("a long thought")
    write(page, "/me thinks")
    expect(page.locator("#composer")).to_have_value("/me thinks")
    server.retry = {"reason": "taken", "message": "petra is taken."}
    write(page, "/nick petra")
    expect(page.locator("#slip")).to_have_text("petra is taken. You are still alice.")
    write(page, "/join den")
    expect(page.locator("#title")).to_have_text("#den")
    expect(page.locator("#slip")).to_have_text("")


def test_completion(signed_in: SignIn, server: FakeServer) -> None:
    server.extra_members["lobby"] = ["bob", "barbara"]
    page = signed_in()
    composer = page.locator("#composer")
    composer.press_sequentially("bo")
    composer.press("Tab")
    expect(composer).to_have_value("bob: ")
    composer.fill("hi b")
    composer.press("Tab")
    expect(page.locator("#completions [aria-selected=true]")).to_have_text("barbara")
    composer.press("Tab")
    composer.press("Enter")
    expect(composer).to_have_value("hi bob ")
    composer.fill("")
    composer.press_sequentially("/se")
    expect(page.locator("#completions [role=option]")).to_contain_text("/search")
    composer.press("Tab")
    expect(composer).to_have_value("/search ")
    composer.fill("")
    composer.press_sequentially("see #lo")
    composer.press("ArrowDown")
    composer.press("Enter")
    expect(composer).to_have_value("see #lobby ")
    composer.press_sequentially("/")
    composer.press("Escape")
    expect(page.locator("#completions")).to_be_hidden()


def test_tab_is_no_trap(signed_in: SignIn, server: FakeServer) -> None:
    """Where Tab completes, Shift+Tab leads back out of the input, and Tab after Escape on from it."""
    server.extra_members["lobby"] = ["paul", "paula"]
    page = signed_in()
    composer = page.locator("#composer")
    composer.press_sequentially("hello pa")
    composer.press("Tab")
    expect(page.locator("#completions [aria-selected=true]")).to_have_text("paul")
    composer.press("Shift+Tab")
    expect(page.locator("#completions [aria-selected=true]")).to_have_text("paula")
    composer.press("Escape")
    expect(page.locator("#completions")).to_be_hidden()
    composer.press("Tab")
    expect(page.locator("#send")).to_be_focused()
    composer.press("Shift+Tab")
    expect(page.locator("#messages")).to_be_focused()
    composer.press("Tab")
    composer.press("Enter")
    expect(composer).to_have_value("hello paul ")


def test_a_large_paste_does_not_hold_the_page_up(signed_in: SignIn) -> None:
    """A long word that doesn't end at the caret is looked through once, not once for each of its characters."""
    page = signed_in()
    page.locator("#composer").focus()
    script = """() => {
      const start = performance.now();
      document.execCommand("insertText", false, "→".repeat(30_000) + "\\n");
      Completion.find(composer.value, composer.value.length, main.state());
      return performance.now() - start;
    }"""
    assert page.evaluate(script) < 2_000
    assert page.evaluate("composer.value.length") == 30_001


def test_input_history_and_drafts(signed_in: SignIn) -> None:
    """Arrow up brings back what was written; each room keeps what was begun in it."""
    page = signed_in()
    composer = page.locator("#composer")
    write(page, "one")
    write(page, "two")
    composer.fill("unfinished")
    composer.press("ArrowUp")
    composer.press("ArrowUp")
    expect(composer).to_have_value("one")
    composer.press("ArrowDown")
    composer.press("ArrowDown")
    expect(composer).to_have_value("unfinished")
    page.locator("#join-room").fill("den")
    page.locator("#join-room").press("Enter")
    expect(page.locator("#title")).to_have_text("#den")
    expect(composer).to_have_value("")
    composer.press("ArrowUp")
    expect(composer).to_have_value("two")
    page.locator('[data-key="#lobby"]').click()
    expect(composer).to_have_value("unfinished")
    page.locator('[data-key="#den"]').click()
    expect(composer).to_have_value("")


def test_lines_and_limits(signed_in: SignIn, server: FakeServer) -> None:
    """Shift+Enter breaks the line; too long a text stays in the input and says so."""
    page = signed_in()
    composer = page.locator("#composer")
    composer.press_sequentially("a")
    composer.press("Shift+Enter")
    composer.press_sequentially("b")
    composer.press("Enter")
    expect(page.locator(".message .text")).to_have_text("a\nb")
    write(page, "x" * 8001)
    expect(page.locator("#slip")).to_have_text("A message has 1 to 8,000 characters, not 8,001")
    expect(composer).to_have_value("x" * 8001)
    write(page, "x" * 8000)
    expect(page.locator(".message[data-state=sent]")).to_have_count(2)
    assert server.log[-1]["message"] == "x" * 8000
