"""The page as a chat: signing in, rooms, people, messages, panels, with the small fake server behind it."""

import json
import re

from playwright.sync_api import BrowserContext, Page, expect

from tests.web.conftest import SignIn, write
from tests.web.fake_server import FakeServer


def texts(page: Page) -> list[str]:
    return page.locator(".message .text").all_text_contents()


def test_sign_in_and_own_echo(signed_in: SignIn, server: FakeServer) -> None:
    """What is sent comes back as the server logged it."""
    page = signed_in()
    expect(page.locator("#title")).to_have_text("#lobby")
    write(page, "hello")
    message = page.locator("article.message")
    expect(message).to_have_attribute("data-state", "sent")
    expect(message).to_have_attribute("data-id", "1")
    expect(message.locator(".nickname")).to_have_text("alice")
    assert server.log[0]["message"] == "hello"
    expect(page.locator("#composer")).to_have_value("")


def test_bad_nicknames_are_told_before_they_travel(page: Page, server: FakeServer) -> None:
    page.goto(server.url())
    page.locator("#nickname").fill("two words")
    page.locator("#nickname").press("Enter")
    expect(page.locator("#signin-fault")).to_contain_text("made of letters")
    assert server.received == []


def test_passwords_appear_when_asked_for(page: Page, server: FakeServer) -> None:
    """The server's password by HELLO; the nickname's by RETRY."""
    server.hello = {"server_password": True}
    page.goto(server.url())
    expect(page.locator("#server-password")).to_be_hidden()
    page.locator("#nickname").fill("alice")
    page.locator("#connect").click()
    expect(page.locator("#server-password")).to_be_focused()
    page.locator("#server-password").fill("sesame")
    server.retry = {"reason": "registered", "message": "alice is registered."}
    page.locator("#connect").click()
    expect(page.locator("#password")).to_be_focused()
    expect(page.locator("#password")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#nickname")).to_have_attribute("aria-invalid", "false")
    expect(page.locator("#signin-fault")).to_have_text("alice is registered.")
    page.locator("#password").fill("secret")
    page.keyboard.press("Enter")
    expect(page.locator("#link-state")).to_have_attribute("data-state", "live")
    nick = server.packets("NICK")[-1]
    assert (nick["server_password"], nick["password"]) == ("sesame", "secret")


def test_rooms_unread_and_title(signed_in: SignIn, server: FakeServer) -> None:
    page = signed_in()
    write(page, "/join den")
    expect(page.locator("#title")).to_have_text("#den")
    server.say("bob", "lobby", "one")
    server.say("bob", "lobby", "Alice?")
    count = page.locator('[data-key="#lobby"] .unread')
    expect(count).to_have_text("2")
    expect(count).to_have_class(re.compile("mentioned"))
    expect(page).to_have_title("(2•) #den · Wordpacket")
    page.locator('[data-key="#lobby"]').click()
    expect(page).to_have_title("#lobby · Wordpacket")
    expect(count).to_have_count(0)
    expect(page.locator(".divider + .message .text")).to_have_text("one")
    expect(page.locator(".message.mention .text")).to_have_text("Alice?")


def test_rooms_by_keyboard(signed_in: SignIn) -> None:
    page = signed_in()
    write(page, "/join den, attic")
    expect(page.locator("#title")).to_have_text("#attic")
    page.keyboard.press("Alt+ArrowDown")
    expect(page.locator("#title")).to_have_text("#den")
    page.keyboard.press("Alt+ArrowUp")
    page.keyboard.press("Alt+ArrowUp")
    expect(page.locator("#title")).to_have_text("#lobby")
    write(page, "/leave")
    expect(page.locator('[data-key="#lobby"]')).to_have_count(0)


def test_grouping_days_actions_and_lines(signed_in: SignIn, server: FakeServer) -> None:
    """One head for what one person says in a row; a line for each day; line ends and spaces stay."""
    page = signed_in()
    server.say("bob", "lobby", "a", timestamp="2026-11-20T10:00:00.000Z")
    server.say("bob", "lobby", "b", timestamp="2026-11-20T10:01:00.000Z")
    server.say("bob", "lobby", "c", timestamp="2026-11-21T10:01:30.000Z")
    server.say("bob", "lobby", "waves", action=True, timestamp="2026-11-21T10:02:00.000Z")
    server.say("bob", "lobby", "x\n  y", timestamp="2026-11-21T10:02:00.000Z")
    expect(page.locator(".message")).to_have_count(5)
    classes = page.locator(".message").evaluate_all("all => all.map((one) => one.classList.contains('grouped'))")
    assert classes == [False, True, False, False, False]
    expect(page.locator(".day")).to_have_count(2)
    assert texts(page)[3:] == ["bob waves", "x\n  y"]
    height = page.locator(".message .text").last.evaluate("one => one.getBoundingClientRect().height")
    assert height > 40


def test_links_are_links_and_nothing_else_is(signed_in: SignIn, server: FakeServer) -> None:
    """Only http and https; what looks like HTML or script stays text."""
    page = signed_in()
    server.say(
        "bob",
        "lobby",
        'see https://example.org/a_(b)?c=d. or <img src=x onerror="1"> javascript:alert(1) (http://x.test/)',
    )
    link = page.locator(".message a")
    expect(link).to_have_count(2)
    assert link.evaluate_all("all => all.map((one) => one.getAttribute('href'))") == [
        "https://example.org/a_(b)?c=d",
        "http://x.test/",
    ]
    assert "noopener" in (link.first.get_attribute("rel") or "")
    assert page.locator(".message img").count() == 0
    expect(page.locator(".message .text")).to_contain_text('<img src=x onerror="1"> javascript:alert(1)')


def test_people_come_go_and_rename(signed_in: SignIn, server: FakeServer) -> None:
    page = signed_in()
    other = signed_in_elsewhere(page, server, "bob")
    expect(page.locator("#members li")).to_have_text(["ALalice", "BObob"])
    expect(page.locator(".event-text")).to_have_text("bob joined")
    write(other, "/nick robert")
    expect(page.locator("#members .nickname")).to_have_text(["alice", "robert"])
    expect(page.locator(".event-text").last).to_have_text("bob is now robert")
    expect(other.locator("#own-nickname")).to_have_text("robert")
    write(other, "/leave")
    expect(page.locator("#panel-title")).to_have_text("1 member")
    other.context.close()


def signed_in_elsewhere(page: Page, server: FakeServer, nickname: str) -> Page:
    """Another person, in a browser profile of their own."""
    browser = page.context.browser
    assert browser is not None
    other = browser.new_context().new_page()
    other.goto(server.url())
    other.locator("#nickname").fill(nickname)
    other.locator("#connect").click()
    expect(other.locator("#link-state")).to_have_attribute("data-state", "live")
    return other


def test_taken_nickname(signed_in: SignIn, server: FakeServer) -> None:
    page = signed_in("bob")
    browser = page.context.browser
    assert browser is not None
    other = browser.new_context().new_page()
    other.goto(server.url())
    other.locator("#nickname").fill("Bob")
    other.locator("#connect").click()
    expect(other.locator("#signin-fault")).to_have_text("Bob is taken.")
    expect(other.locator("#nickname")).to_be_focused()
    other.keyboard.type("robert")
    other.keyboard.press("Enter")
    expect(other.locator("#own-nickname")).to_have_text("robert")
    other.context.close()


def test_topic(signed_in: SignIn, server: FakeServer) -> None:
    """Edited in place or by command, shown to all."""
    page = signed_in()
    page.locator("#topic").click()
    page.keyboard.type("Tea at four")
    page.keyboard.press("Enter")
    expect(page.locator("#topic")).to_have_text("Tea at four")
    expect(page.locator("#composer")).to_be_focused()
    write(page, "/topic -")
    expect(page.locator("#topic")).to_have_text("Add a topic")
    assert server.topics["lobby"] == ""


def test_what_cannot_be_sent_stays_in_its_field(signed_in: SignIn, server: FakeServer) -> None:
    """Topic, room and command wait in their fields while there is no connection, and each says so where it stands."""
    page = signed_in()
    server.stop_serving()
    expect(page.locator("#link-state")).to_have_attribute("data-state", "reconnecting")
    down = "There is no connection; try again once there is one"
    page.locator("#join-room").fill("den")
    page.keyboard.press("Enter")
    expect(page.locator("#join-fault")).to_have_text(down)
    expect(page.locator("#join-room")).to_have_value("den")
    write(page, "/nick alicia")
    expect(page.locator("#slip")).to_have_text(down)
    expect(page.locator("#composer")).to_have_value("/nick alicia")
    page.locator("#topic").click()
    page.keyboard.type("Tea at four")
    page.keyboard.press("Enter")
    expect(page.locator("#topic-fault")).to_have_text(down)
    server.resume_serving()
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator("#link-state")).to_have_attribute("data-state", "live")
    expect(page.locator("#topic-input")).to_have_value("Tea at four")
    page.locator("#topic-input").press("Enter")
    expect(page.locator("#topic")).to_have_text("Tea at four")
    page.locator("#join-room").press("Enter")
    expect(page.locator("#title")).to_have_text("#den")
    expect(page.locator("#join-room")).to_have_value("")
    expect(page.locator("#join-fault")).to_have_text("")


def test_a_topic_too_long_stays_in_its_field(signed_in: SignIn, server: FakeServer) -> None:
    """Until it is shortened, given up, or another room is looked at."""
    page = signed_in()
    write(page, "/join den")
    expect(page.locator("#title")).to_have_text("#den")
    page.locator("#topic").click()
    page.locator("#topic-input").fill("x" * 301)
    page.keyboard.press("Enter")
    expect(page.locator("#topic-fault")).to_have_text("A topic has at most 300 characters")
    page.keyboard.press("Alt+ArrowDown")
    expect(page.locator("#title")).to_have_text("#lobby")
    expect(page.locator("#topic-input")).to_be_hidden()
    expect(page.locator("#topic")).to_be_visible()
    assert server.packets("TOPIC") == []


def test_direct_messages(signed_in: SignIn, server: FakeServer) -> None:
    page = signed_in()
    other = signed_in_elsewhere(page, server, "bob")
    write(page, "/msg bob psst\nsecond line")
    expect(page.locator("#title")).to_have_text("bob")
    expect(other.locator('[data-key="@alice"] .unread')).to_have_text("1")
    other.locator('[data-key="@alice"]').click()
    expect(other.locator(".message .text")).to_have_text("psst\nsecond line")
    write(other, "yes?")
    expect(page.locator(".message .text").last).to_have_text("yes?")
    page.locator('[data-leave="@bob"]').click()
    expect(page.locator("#title")).to_have_text("#lobby")
    page.locator("#members button", has_text="bob").click()
    expect(page.locator(".message .text")).to_have_text(["psst\nsecond line", "yes?"])
    other.context.close()


def test_a_draft_follows_a_person_to_another_nickname(signed_in: SignIn, server: FakeServer) -> None:
    """Text and caret stay, whether the conversation is shown at that moment or not."""
    page = signed_in()
    other = signed_in_elsewhere(page, server, "peter")
    composer = page.locator("#composer")
    write(page, "/msg peter")
    expect(page.locator("#title")).to_have_text("peter")
    composer.press_sequentially("a long text")
    composer.press("Home")
    write(other, "/nick petra")
    expect(page.locator("#title")).to_have_text("petra")
    expect(composer).to_have_value("a long text")
    assert page.evaluate("composer.selectionStart") == 0
    page.locator('[data-key="#lobby"]').click()
    expect(composer).to_have_value("")
    write(other, "/nick paula")
    page.locator('[data-key="@paula"]').click()
    expect(composer).to_have_value("a long text")
    other.context.close()


def test_typing(signed_in: SignIn, server: FakeServer) -> None:
    page = signed_in()
    server.broadcast({"type": "TYPING", "room": "lobby", "nickname": "bob"})
    expect(page.locator("#typing")).to_have_text("bob is typing …")
    server.say("bob", "lobby", "done")
    expect(page.locator("#typing")).to_have_text("")
    page.locator("#composer").press_sequentially("/he")
    page.locator("#composer").fill("hello")
    server.wait_for(lambda: server.packets("TYPING") != [])
    assert [packet["room"] for packet in server.packets("TYPING")] == ["lobby"]


def test_all_rooms(signed_in: SignIn, server: FakeServer) -> None:
    server.extra_members["den"] = ["bob"]
    server.topics["den"] = "quiet please"
    page = signed_in()
    write(page, "/rooms")
    room = page.locator("#directory button", has_text="#den")
    expect(room).to_contain_text("quiet please")
    room.click()
    expect(page.locator("#title")).to_have_text("#den")


def test_members_of_a_big_room_come_in_pages(signed_in: SignIn, server: FakeServer) -> None:
    server.extra_members["lobby"] = [f"user{number:04}" for number in range(450)]
    page = signed_in()
    expect(page.locator("#panel-title")).to_have_text("451 members")
    expect(page.locator("#members li")).to_have_count(200)
    page.locator("#members-more").click()
    expect(page.locator("#members li")).to_have_count(400)
    page.locator("#members-more").click()
    expect(page.locator("#members li")).to_have_count(451)
    expect(page.locator("#members-more")).to_be_hidden()


def test_search_opens_the_context(signed_in: SignIn, server: FakeServer) -> None:
    """One key from a hit to its place in the log, however far back."""
    server.fill("lobby", 400)
    server.log[99]["message"] = "the needle"
    page = signed_in()
    write(page, "/search needle from:bob in:lobby")
    hit = page.locator("#hits button")
    expect(hit).to_have_count(1)
    expect(hit.locator("mark")).to_have_text("needle")
    page.locator("#search-input").press("ArrowDown")
    page.keyboard.press("Enter")
    found = page.locator(".message.found")
    expect(found).to_have_attribute("data-id", "100")
    expect(found).to_be_in_viewport()
    neighbours = page.locator(".message").evaluate_all("all => all.map((one) => Number(one.dataset.id))")
    assert {95, 99, 100, 101, 105} <= set(neighbours)
    page.locator("#newest").click()
    expect(page.locator('.message[data-id="400"]')).to_be_in_viewport()


def test_search_shows_older(signed_in: SignIn, server: FakeServer) -> None:
    server.fill("lobby", 100)
    page = signed_in()
    page.locator("#show-search").click()
    page.locator("#search-input").fill("line")
    page.keyboard.press("Enter")
    expect(page.locator("#hits li")).to_have_count(40)
    page.locator("#hits-more").click()
    expect(page.locator("#hits li")).to_have_count(80)
    page.locator("#hits-more").click()
    expect(page.locator("#hits li")).to_have_count(100)
    expect(page.locator("#hits-more")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(page.locator("#panel-title")).to_have_text("1 member")


def test_export(signed_in: SignIn, server: FakeServer) -> None:
    """All one may see, one JSON object a line, by id."""
    server.fill("lobby", 450)
    server.fill("secret", 10)
    page = signed_in()
    server.tell("bob", "alice", "psst")
    expect(page.locator('[data-key="@bob"]')).to_be_visible()
    with page.expect_download() as download:
        write(page, "/export")
    lines = download.value.path().read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["id"] for line in lines] == [*range(1, 451), 461]
    assert re.fullmatch(r"wordpacket-\d{4}-\d\d-\d\d\.jsonl", download.value.suggested_filename)


def test_notice_and_errors_are_said(signed_in: SignIn, server: FakeServer) -> None:
    page = signed_in()
    server.broadcast({"type": "NOTICE", "message": "Tea is ready"})
    expect(page.locator(".event.tone-server .event-text")).to_have_text("Tea is ready")
    server.refuse["TOPIC"] = "forbidden"
    write(page, "/topic mine")
    expect(page.locator(".event.tone-error .event-text")).to_have_text("refused: forbidden")


def test_bad_packets_are_ignored(signed_in: SignIn, server: FakeServer) -> None:
    """A packet that isn't one of the protocol's does no harm to what comes after it."""
    page = signed_in()
    server.broadcast({"type": "MSG", "id": "seven"})
    server.broadcast({"type": "WHATEVER", "id": 1})
    server.broadcast({"type": "ROOM", "room": "nowhere", "count": 3})
    server.say("bob", "lobby", "still here")
    expect(page.locator(".message .text")).to_have_text("still here")


def test_each_tab_comes_back_to_its_own_room(signed_in: SignIn, server: FakeServer, context: BrowserContext) -> None:
    """And who signs out in one tab goes on in the other, after a reload too."""
    first = signed_in()
    write(first, "/join den")
    expect(first.locator("#title")).to_have_text("#den")
    second = context.new_page()
    second.goto(server.url())
    expect(second.locator("#title")).to_have_text("#den")
    second.locator('[data-key="#lobby"]').click()
    expect(second.locator("#title")).to_have_text("#lobby")
    first.reload()
    expect(first.locator("#title")).to_have_text("#den")
    second.locator("#sign-out").click()
    expect(second.locator("#nickname")).to_be_visible()
    first.reload()
    expect(first.locator("#title")).to_have_text("#den")
    second.reload()
    expect(second.locator("#nickname")).to_be_visible()
