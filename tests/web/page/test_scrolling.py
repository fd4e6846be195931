"""Reading back: earlier messages come in above without moving the line that is read, and the document stays small."""

import re

from playwright.sync_api import Page, expect

from tests.web.conftest import SignIn
from tests.web.fake_server import FakeServer

# Scrolls up by hand, so to speak, and takes note of where the first visible message is, frame by frame, while
# pages of history come in above it. Whatever moves by more than the scrolling itself is a jump.
READ_BACK = """async ({ steps, pixels }) => {
  const root = document.getElementById("messages");
  const frame = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  const y = (one) => (one.querySelector(".text") ?? one).getBoundingClientRect().top;
  const edge = root.getBoundingClientRect().top + 100;
  const seen = () => [...root.querySelectorAll(".message[data-id]")].find((one) => y(one) >= edge);
  let worst = 0;
  let most = 0;
  for (let step = 0; step < steps; step += 1) {
    const message = seen();
    const before = y(message);
    const room = root.scrollTop;
    root.scrollTop -= pixels;
    const scrolled = room - root.scrollTop;
    for (let frames = 0; frames < 2; frames += 1) {
      await frame();
      if (message.isConnected) worst = Math.max(worst, Math.abs(y(message) - before - scrolled));
      most = Math.max(most, root.children.length);
    }
    if (root.querySelector(".message[data-id='1']") && root.scrollTop === 0) break;
  }
  return { worst, most, oldest: Number(root.querySelector(".message[data-id]").dataset.id) };
}"""


def at_end(page: Page) -> bool:
    return bool(page.evaluate("(root => root.scrollHeight - root.scrollTop - root.clientHeight < 2)(messages)"))


def scroll_up(page: Page) -> None:
    page.locator("#composer").press("PageUp")
    expect(page.locator("#newest")).to_be_visible()


def reading_back(signed_in: SignIn, server: FakeServer) -> Page:
    """Return the page of somebody who read 150 messages and scrolled up a little."""
    server.fill("lobby", 150)
    page = signed_in()
    expect(page.locator('.message[data-id="150"]')).to_be_in_viewport()
    scroll_up(page)
    return page


def test_reading_back_does_not_jump(signed_in: SignIn, server: FakeServer) -> None:
    """Through 300 messages of different heights to the very first, with less than a pixel of jump on the way."""
    server.fill("lobby", 300)
    for number, message in enumerate(server.log):
        message["message"] += "\nand another line" * (number % 4) + " word" * (number * 7 % 90)
    page = signed_in()
    expect(page.locator('.message[data-id="300"]')).to_be_in_viewport()
    found = page.evaluate(READ_BACK, {"steps": 400, "pixels": 900})
    assert found["worst"] < 1, found
    assert found["oldest"] == 1
    expect(page.locator(".gap")).to_have_count(0)
    page.locator("#newest").click()
    expect(page.locator('.message[data-id="300"]')).to_be_in_viewport()


def test_ten_thousand_messages_keep_the_document_small(signed_in: SignIn, server: FakeServer) -> None:
    """All are in the state; a few hundred rows are in the document, and a new message is drawn within a frame or so."""
    page = signed_in()
    server.stop_serving()
    server.fill("lobby", 9_990)
    server.resume_serving()
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator('.message[data-id="9990"]')).to_be_in_viewport()
    assert page.evaluate("main.state().conversations['#lobby'].timeline.length") == 9_990
    found = page.evaluate(READ_BACK, {"steps": 8, "pixels": 3_000})
    assert found["worst"] < 1, found
    assert found["most"] < 300
    assert found["oldest"] < 9_990 - 300
    page.locator("#newest").click()
    # Counted in work, not in time: one more message touches one row.
    touched = page.evaluate("""() => new Promise((resolve) => {
      let added = 0;
      const watch = new MutationObserver((records) => {
        for (const record of records) added += record.addedNodes.length;
      });
      watch.observe(messages, { childList: true });
      const timestamp = "2026-11-27T09:00:00Z";
      const packet = { type: "MSG", id: 9991, room: "lobby", nickname: "bob", message: "one more", timestamp };
      main.dispatch({ type: "packet", packet });
      requestAnimationFrame(() => requestAnimationFrame(() => resolve(added)));
    })""")
    assert touched <= 2


def test_who_reads_back_is_not_pulled_down(signed_in: SignIn, server: FakeServer) -> None:
    """New messages are counted on the button; the line that is read stays."""
    page = reading_back(signed_in, server)
    reading = "messages.querySelector('.message[data-id=\"140\"]').getBoundingClientRect().top"
    before = page.evaluate(reading)
    server.say("bob", "lobby", "news")
    server.say("bob", "lobby", "more news")
    expect(page.locator("#newest-text")).to_have_text("2 new messages")
    assert abs(page.evaluate(reading) - before) < 1
    page.keyboard.press("Escape")
    expect(page.locator("#newest")).to_be_hidden()
    assert at_end(page)


def test_who_is_at_the_end_stays_there(signed_in: SignIn, server: FakeServer) -> None:
    """Whatever comes, and however the page changes its size."""
    server.fill("lobby", 80)
    page = signed_in()
    expect(page.locator('.message[data-id="80"]')).to_be_in_viewport()
    server.say("bob", "lobby", "a\n" * 30)
    expect(page.locator('.message[data-id="81"]')).to_be_attached()
    page.wait_for_function("() => messages.scrollHeight - messages.scrollTop - messages.clientHeight < 2")
    page.set_viewport_size({"width": 700, "height": 420})
    page.wait_for_function("() => messages.scrollHeight - messages.scrollTop - messages.clientHeight < 2")
    page.locator("#composer").fill("one\ntwo\nthree\nfour\nfive")
    page.wait_for_function("() => messages.scrollHeight - messages.scrollTop - messages.clientHeight < 2")


def test_each_room_remembers_where_one_was(signed_in: SignIn, server: FakeServer) -> None:
    server.fill("lobby", 200)
    page = signed_in()
    expect(page.locator('.message[data-id="200"]')).to_be_in_viewport()
    page.evaluate("messages.scrollTop -= 1500")
    expect(page.locator("#newest")).to_be_visible()
    expect(page.locator('.message[data-id="81"]')).to_be_attached()
    place = """(() => { const top = messages.getBoundingClientRect().top;
      const one = [...messages.querySelectorAll('.message')].find((m) => m.getBoundingClientRect().top >= top);
      return [one.dataset.id, Math.round(one.getBoundingClientRect().top)]; })()"""
    before = page.evaluate(place)
    page.locator("#join-room").fill("den")
    page.locator("#join-room").press("Enter")
    expect(page.locator("#title")).to_have_text("#den")
    page.locator('[data-key="#lobby"]').click()
    expect(page.locator(f'.message[data-id="{before[0]}"]')).to_be_in_viewport()
    assert page.evaluate(place) == before


def test_the_line_that_is_read_stays_when_the_page_changes_its_width(signed_in: SignIn, server: FakeServer) -> None:
    server.fill("lobby", 150)
    for message in server.log:
        message["message"] += " and more words that take another line when the page is narrow" * 2
    page = signed_in()
    expect(page.locator('.message[data-id="150"]')).to_be_in_viewport()
    page.locator("#composer").press("PageUp")
    page.locator("#composer").press("PageUp")
    expect(page.locator("#newest")).to_be_visible()
    top = "messages.getBoundingClientRect().top"
    first = page.evaluate(
        f"[...messages.querySelectorAll('.message')].find((m) => m.getBoundingClientRect().top >= {top}).dataset.id"
    )
    line = page.locator(f'.message[data-id="{first}"]')
    before = page.evaluate(f"messages.querySelector('[data-id=\"{first}\"]').getBoundingClientRect().top - {top}")
    page.set_viewport_size({"width": 420, "height": 700})
    page.wait_for_function("() => messages.clientWidth < 430")
    expect(line).to_be_in_viewport()
    after = page.evaluate(f"messages.querySelector('[data-id=\"{first}\"]').getBoundingClientRect().top - {top}")
    assert abs(after - before) < 2


def test_a_text_stays_when_its_row_loses_its_head(signed_in: SignIn, server: FakeServer) -> None:
    """The oldest row here shows its author; with an earlier one of the same author above, it no longer does."""
    server.fill("lobby", 100)
    for message in server.log:
        message["message"] += "\nand\nmore\nlines"
    page = signed_in()
    expect(page.locator('.message[data-id="41"].first')).to_be_attached()
    server.refuse["HISTORY"] = "log_unavailable"
    page.evaluate("messages.scrollTop = 0")
    again = page.locator(".gap button")
    expect(again).to_have_text("These messages could not be loaded. Try again")
    tops = "[41, 42].map((id) => messages.querySelector(`[data-id='${id}'] .text`).getBoundingClientRect().top)"
    before = page.evaluate(tops)
    again.click()
    expect(page.locator('.message[data-id="41"].grouped')).to_be_attached()
    assert [abs(one - other) < 1 for one, other in zip(before, page.evaluate(tops), strict=True)] == [True, True]


def test_who_writes_sees_it(signed_in: SignIn, server: FakeServer) -> None:
    """Also who was reading back; from another device of one's own it is not news."""
    page = reading_back(signed_in, server)
    server.say("alice", "lobby", "from the phone")
    expect(page.locator(".message", has_text="from the phone")).to_be_attached()
    expect(page.locator("#newest-text")).to_have_text("Newest")
    page.locator("#composer").fill("here I am")
    page.locator("#composer").press("Enter")
    expect(page.locator(".message", has_text="here I am")).to_be_in_viewport()
    expect(page.locator("#newest")).to_be_hidden()


def test_who_writes_to_somebody_else_sees_it(signed_in: SignIn, server: FakeServer) -> None:
    """There one is at the newest, though one had read back; where one comes from, the place is kept."""
    server.fill("lobby", 150)
    page = signed_in()
    for number in range(60):
        server.tell("bob", "alice", f"line {number} from bob")
    page.locator('[data-key="@bob"]').click()
    expect(page.locator('.message[data-id="210"]')).to_be_in_viewport()
    scroll_up(page)
    page.locator('[data-key="#lobby"]').click()
    expect(page.locator('.message[data-id="150"]')).to_be_in_viewport()
    scroll_up(page)
    page.locator("#composer").fill("/msg bob here I am")
    page.locator("#composer").press("Enter")
    expect(page.locator(".message", has_text="here I am")).to_be_in_viewport()
    page.locator('[data-key="#lobby"]').click()
    expect(page.locator("#title")).to_have_text("#lobby")
    expect(page.locator("#newest")).to_be_visible()


def test_a_fault_is_told_to_who_reads_back(signed_in: SignIn, server: FakeServer) -> None:
    """Its line is at the end of the log, out of sight."""
    page = reading_back(signed_in, server)
    server.retry = {"reason": "taken", "message": "petra is taken"}
    page.locator("#composer").fill("/nick petra")
    page.locator("#composer").press("Enter")
    expect(page.locator("#slip")).to_have_text("petra is taken. You are still alice.")


def test_what_came_while_elsewhere_is_counted_where_one_read_back(signed_in: SignIn, server: FakeServer) -> None:
    """The place is the old one, so the button says what is new below it."""
    page = reading_back(signed_in, server)
    page.locator("#join-room").fill("den")
    page.locator("#join-room").press("Enter")
    expect(page.locator("#title")).to_have_text("#den")
    for number in range(3):
        server.say("bob", "lobby", f"alice, {number}")
    expect(page.locator('[data-key="#lobby"] .unread')).to_have_text("3")
    page.locator('[data-key="#lobby"]').click()
    expect(page.locator("#newest-text")).to_have_text("3 new messages")
    page.locator("#newest").click()
    expect(page.locator(".divider")).to_be_in_viewport()


def test_search_hits_in_two_rooms(signed_in: SignIn, server: FakeServer) -> None:
    """Each is shown once: history that comes in below is not new, and later looks stay where one left off."""
    server.fill("den", 200)
    server.fill("lobby", 200)
    server.log[50]["message"] = "needle in den"
    server.log[260]["message"] = "needle in lobby"
    page = signed_in()
    page.locator("#join-room").fill("den")
    page.locator("#join-room").press("Enter")
    expect(page.locator("#title")).to_have_text("#den")
    page.locator("#show-search").click()
    page.locator("#search-input").fill("needle")
    page.keyboard.press("Enter")
    for hit in ("needle in den", "needle in lobby"):
        page.locator("#hits button", has_text=hit).click()
        expect(page.locator(".message.found")).to_have_text(re.compile(hit))
        expect(page.locator("#newest-text")).to_have_text("Newest")
        page.locator("#newest").click()
    for room in ("den", "lobby", "den"):
        page.locator(f'[data-key="#{room}"]').click()
        expect(page.locator("#title")).to_have_text(f"#{room}")
        expect(page.locator("#composer")).to_be_focused()
        page.wait_for_function("() => messages.scrollHeight - messages.scrollTop - messages.clientHeight < 2")
        expect(page.locator(".message.found")).to_have_count(0)


def test_a_search_hit_passes_over_nothing_new(signed_in: SignIn, server: FakeServer) -> None:
    """In a room with unread messages it leads past them, so the button says that they are there."""
    server.fill("den", 200)
    server.log[50]["message"] = "needle"
    page = signed_in()
    page.locator("#join-room").fill("den")
    page.locator("#join-room").press("Enter")
    expect(page.locator("#title")).to_have_text("#den")
    page.locator('[data-key="#lobby"]').click()
    expect(page.locator("#title")).to_have_text("#lobby")
    for number in range(3):
        server.say("bob", "den", f"alice, {number}")
    expect(page.locator('[data-key="#den"] .unread')).to_have_text("3")
    page.locator("#composer").fill("/search needle")
    page.locator("#composer").press("Enter")
    page.locator("#hits button").click()
    expect(page.locator(".message.found")).to_be_in_viewport()
    expect(page.locator("#newest-text")).to_have_text("3 new messages")


def test_the_next_person_begins_at_the_newest(signed_in: SignIn, server: FakeServer) -> None:
    """Where somebody read back is forgotten with them."""
    page = reading_back(signed_in, server)
    page.locator("#forget").click()
    page.locator("#forget").click()
    expect(page.locator("#nickname")).to_be_visible()
    signed_in("eve", page)
    server.say("bob", "lobby", "for eve")
    expect(page.locator(".message", has_text="for eve")).to_be_in_viewport()
    expect(page.locator("#newest")).to_be_hidden()
