"""Nothing lost, nothing twice (PROTOCOL.md section 5), as a person sees it: broken connections, reloads, many tabs."""

import re
from typing import Any

from playwright.sync_api import BrowserContext, Page, expect

from tests.web.conftest import SignIn, write
from tests.web.fake_server import FakeServer


def expect_link(page: Page, state: str) -> None:
    expect(page.locator("#link-state")).to_have_attribute("data-state", state)


def expect_sent(page: Page, *texts: str) -> None:
    expect(page.locator(".message[data-state=sent] .text")).to_have_text(list(texts))
    expect(page.locator(".message")).to_have_count(len(texts))


def come_back(page: Page) -> None:
    """Let the page try again now instead of when its timer says so."""
    page.evaluate("dispatchEvent(new Event('online'))")


def logged(server: FakeServer) -> list[Any]:
    return [message["message"] for message in server.log]


def kept(page: Page) -> list[str]:
    """The outboxes in this browser's storage."""
    return list(page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('wordpacket.outbox.'))"))


def test_pending_until_the_echo(signed_in: SignIn, server: FakeServer) -> None:
    """Shown at once, and the very same element becomes the sent message."""
    page = signed_in()
    server.hold_echo = True
    write(page, "hello")
    message = page.locator(".message")
    expect(message).to_have_attribute("data-state", "pending")
    server.wait_for(lambda: bool(server.packets("MSG")))
    assert len(kept(page)) == 1
    server.hold_echo = False
    server.broadcast(server.log[0])
    expect(message).to_have_attribute("data-state", "sent")
    assert kept(page) == []


def test_typed_while_the_server_is_dead(signed_in: SignIn, server: FakeServer) -> None:
    """The input is never locked; what was typed goes out once the connection is back, in order, once."""
    page = signed_in()
    server.stop_serving()
    expect_link(page, "reconnecting")
    for text in ("one", "two", "three"):
        write(page, text)
    expect(page.locator(".message[data-state=pending]")).to_have_count(3)
    words = re.compile(r"^Reconnecting since \d\d:\d\d · 3 messages unsent$")
    expect(page.locator("#banner-text")).to_have_text(words)
    server.resume_serving()
    page.locator("#again").evaluate("button => button.click()")  # it may be live, and the button gone, by itself
    expect_link(page, "live")
    expect_sent(page, "one", "two", "three")
    assert logged(server) == ["one", "two", "three"]
    expect(page.locator("#banner")).to_be_hidden()


def test_a_lost_echo_is_not_a_lost_message(signed_in: SignIn, server: FakeServer) -> None:
    """The server logged it, the echo never came: after the resume it stands there once, and in the log once."""
    page = signed_in()
    server.hold_echo = True
    write(page, "hello")
    server.wait_for(lambda: logged(server) == ["hello"])
    server.hold_echo = False
    server.drop()
    expect_sent(page, "hello")
    expect_link(page, "live")
    assert logged(server) == ["hello"]


def test_a_message_lost_on_the_way_is_sent_again(signed_in: SignIn, server: FakeServer) -> None:
    """Same ref, after the PONG that follows the replay."""
    page = signed_in()
    server.away = True
    write(page, "hello")
    server.wait_for(lambda: bool(server.packets("MSG")))
    server.away = False
    server.drop()
    expect_sent(page, "hello")
    assert len({packet["ref"] for packet in server.packets("MSG")}) == 1
    kinds = [packet["type"] for packet in server.received]
    assert kinds[-3:] == ["NICK", "PING", "MSG"]


def test_missed_messages_come_with_the_resume(signed_in: SignIn, server: FakeServer) -> None:
    page = signed_in()
    server.say("bob", "lobby", "one")
    expect_sent(page, "one")
    server.stop_serving()
    server.fill("lobby", 3)
    server.resume_serving()
    page.evaluate("dispatchEvent(new Event('online'))")
    expect_sent(page, "one", "line 0 of lobby", "line 1 of lobby", "line 2 of lobby")
    assert server.packets("NICK")[-1]["after"] == 1


def test_left_out_messages_are_named_and_can_be_had(signed_in: SignIn, server: FakeServer) -> None:
    """GAP shows as a line that HISTORY fills, from the side where the reader is, and no further than they look."""
    page = signed_in()
    server.say("bob", "lobby", "before")
    expect_sent(page, "before")
    server.stop_serving()
    server.fill("lobby", 10_100)
    server.resume_serving()
    come_back(page)
    expect(page.locator('.message[data-id="10101"]')).to_be_in_viewport()
    script = "main.state().conversations['#lobby'].timeline.filter((entry) => entry.kind === 'gap')"
    (gap,) = page.evaluate(script)
    assert (gap["after"], gap["before"]) == (1, 9_102)
    server.refuse["HISTORY"] = "log_unavailable"
    # As a hit of a search would: to the message before the gap.
    page.evaluate("main.dispatch({type: 'openContext', message: {room: 'lobby', nickname: 'bob', id: 1}})")
    line = page.locator(".gap button")
    expect(line).to_have_text("These messages could not be loaded. Try again")
    line.focus()
    page.keyboard.press("Enter")
    expect(page.locator('.message[data-id="61"]')).to_be_attached()
    expect(page.locator('.message[data-id="1"]')).to_be_in_viewport()
    (gap,) = page.evaluate(script)
    assert gap["after"] < 200, "only what is near is loaded"


def test_refused_then_tried_again(signed_in: SignIn, server: FakeServer) -> None:
    page = signed_in()
    server.refuse["MSG"] = "forbidden"
    write(page, "one")
    message = page.locator(".message")
    expect(message).to_have_attribute("data-state", "failed")
    expect(message.locator(".why")).to_have_text("Not sent: refused: forbidden")
    message.get_by_role("button", name="Try again").click()
    expect(message).to_have_attribute("data-state", "sent")
    server.refuse["MSG"] = "forbidden"
    write(page, "two")
    page.get_by_role("button", name="Discard").click()
    expect_sent(page, "one")
    assert kept(page) == []


def test_rate_limited_is_tried_again_by_itself(signed_in: SignIn, server: FakeServer) -> None:
    page = signed_in()
    server.refuse["MSG"] = "log_unavailable"
    write(page, "one")
    expect(page.locator(".fate")).to_contain_text("The server can't store messages at the moment")
    expect_sent(page, "one")
    assert logged(server) == ["one"]


def test_reload_while_a_message_is_on_its_way(signed_in: SignIn, server: FakeServer) -> None:
    """Nickname, rooms, token and what is unsent outlive the page; nothing is asked for again."""
    page = signed_in()
    write(page, "/join den")
    expect(page.locator("#title")).to_have_text("#den")
    server.stop_serving()
    write(page, "typed while dead")
    expect(page.locator(".message[data-state=pending]")).to_have_count(1)
    page.reload()
    expect(page.locator("#title")).to_have_text("#den")
    expect(page.locator(".message[data-state=pending] .text")).to_have_text("typed while dead")
    expect_link(page, "reconnecting")
    server.resume_serving()
    come_back(page)
    expect_sent(page, "typed while dead")
    assert logged(server) == ["typed while dead"]
    assert server.users["alice"].rooms == {"den", "lobby"}
    assert kept(page) == []


def test_what_is_begun_outlives_the_page(signed_in: SignIn, server: FakeServer) -> None:
    """Drafts of all rooms are there after a reload and after Back; each tab has its own."""
    page = signed_in()
    composer = page.locator("#composer")
    composer.fill("for the lobby")
    page.locator("#join-room").fill("den")
    page.locator("#join-room").press("Enter")
    expect(page.locator("#title")).to_have_text("#den")
    composer.fill("for the den")
    page.reload()
    expect(composer).to_have_value("for the den")
    page.locator('[data-key="#lobby"]').click()
    expect(composer).to_have_value("for the lobby")
    page.goto(f"{server.url()}icon.svg")
    page.go_back()
    expect(composer).to_have_value("for the lobby")
    expect_link(page, "live")
    other = signed_in.new_page()
    other.goto(server.url())
    expect_link(other, "live")
    expect(other.locator("#composer")).to_have_value("")
    write(page, "said")
    expect_sent(page, "said")
    page.reload()
    expect_sent(page, "said")
    expect(composer).to_have_value("")


def test_drafts_are_for_who_wrote_them(signed_in: SignIn, server: FakeServer, context: BrowserContext) -> None:
    """A tab that comes back after the person was forgotten elsewhere has nothing for the next one."""
    page = signed_in()
    page.locator("#composer").fill("private")
    page.goto(f"{server.url()}icon.svg")
    other = signed_in.new_page()
    other.goto(server.url())
    expect_link(other, "live")
    other.locator("#forget").click()
    other.locator("#forget").click()
    signed_in("mallory", other)
    page.go_back()
    expect(page.locator("#own-nickname")).to_have_text("mallory")
    expect(page.locator("#composer")).to_have_value("")


def test_two_tabs_share_the_user_but_not_the_outbox(
    signed_in: SignIn, server: FakeServer, context: BrowserContext
) -> None:
    """Each tab sends what was typed in it, once; both show all."""
    one = signed_in()
    two = context.new_page()
    two.goto(server.url())
    expect_link(two, "live")
    expect(two.locator("#own-nickname")).to_have_text("alice")
    server.stop_serving()
    write(one, "from one")
    write(two, "from two")
    expect(one.locator(".message[data-state=pending]")).to_have_count(1)
    expect(two.locator(".message[data-state=pending]")).to_have_count(1)
    assert len(kept(one)) == 2
    server.resume_serving()
    # Whichever comes back first, both see the same.
    come_back(one)
    come_back(two)
    server.wait_for(lambda: len(server.log) == 2)
    expect_sent(one, *logged(server))
    expect_sent(two, *logged(server))
    assert sorted(logged(server)) == ["from one", "from two"]
    refs = [packet["ref"] for packet in server.packets("MSG")]
    assert len(refs) == len(set(refs)) == 2


def test_the_tab_that_stays_takes_over(signed_in: SignIn, server: FakeServer, context: BrowserContext) -> None:
    """A closed tab's unsent messages are sent by one other tab; a reloaded one's stay its own."""
    one, two, three = signed_in(), context.new_page(), context.new_page()
    for page in (two, three):
        page.goto(server.url())
        expect_link(page, "live")
    server.stop_serving()
    write(two, "left behind")
    two.reload()
    expect(two.locator(".message[data-state=pending]")).to_have_count(1)
    expect(one.locator(".message")).to_have_count(0)
    (left_key,) = kept(one)
    two.close()
    # Neither took it while its page was there; once it is gone, one of the two does.
    taken = "main.state().outbox.length"
    one.wait_for_function("key => localStorage.getItem(key) === null", arg=left_key)
    assert one.evaluate(taken) + three.evaluate(taken) == 1
    server.resume_serving()
    for page in (one, three):
        come_back(page)
    expect_sent(one, "left behind")
    expect_sent(three, "left behind")
    assert len(server.packets("MSG")) == 1


def test_behind_a_bridge_the_socket_stays(signed_in: SignIn, server: FakeServer) -> None:
    """NOTICE, silence, a fresh READY on the same socket: the page says so, waits, and sends again what has no echo."""
    page = signed_in()
    server.lose_server_behind_bridge()
    write(page, "into the void")
    expect_link(page, "reconnecting")
    expect(page.locator("#banner-text")).to_contain_text("The server is away; trying again")
    write(page, "held back")
    expect(page.locator(".message[data-state=pending]")).to_have_count(2)
    assert [packet["message"] for packet in server.packets("MSG")] == ["into the void"]
    server.fill("lobby", 1)
    server.find_server_behind_bridge()
    expect_link(page, "live")
    expect_sent(page, "line 0 of lobby", "into the void", "held back")
    assert logged(server) == ["line 0 of lobby", "into the void", "held back"]


def test_a_bridge_without_its_server(page: Page, server: FakeServer) -> None:
    """There is no HELLO until the server is back: the page says what it waits for, on the form and in the chat."""
    server.lose_server_behind_bridge()
    page.goto(server.url())
    page.locator("#nickname").fill("alice")
    page.locator("#connect").click()
    expect(page.locator("#signin-status")).to_have_text("Waiting for the chat server …")
    server.find_server_behind_bridge()
    expect_link(page, "live")
    server.lose_server_behind_bridge()
    page.reload()
    expect(page.locator("#banner-text")).to_contain_text("Waiting for the chat server …")
    server.find_server_behind_bridge()
    expect_link(page, "live")


def test_a_nickname_lost_meanwhile(signed_in: SignIn, server: FakeServer) -> None:
    """RETRY on coming back: the page asks for another nickname and keeps what is unsent."""
    page = signed_in()
    server.stop_serving()
    write(page, "unsent")
    server.retry = {"reason": "taken", "message": "alice is taken."}
    server.resume_serving()
    come_back(page)
    expect(page.locator("#signin-fault")).to_have_text("alice is taken.")
    expect(page.locator("#kept-text")).to_have_text("1 unsent message is kept for you.")
    page.locator("#nickname").fill("alicia")
    page.locator("#connect").click()
    expect_sent(page, "unsent")


def test_coming_back_at_once(signed_in: SignIn, server: FakeServer) -> None:
    """The first attempt waits for nothing: a short cut isn't even announced."""
    page = signed_in()
    server.drop()
    server.wait_for(lambda: len(server.packets("NICK")) == 2)
    expect_link(page, "live")
    expect(page.locator("#banner")).to_be_hidden()


def test_sign_out_and_forget(signed_in: SignIn, server: FakeServer) -> None:
    page = signed_in()
    write(page, "/quit see you")
    expect(page.locator("#signin")).to_be_visible()
    server.wait_for(lambda: bool(server.packets("BYE")))
    assert server.packets("BYE")[0]["message"] == "see you"
    page.reload()
    expect(page.locator("#nickname")).to_have_value("alice")
    expect(page.locator("#kept-text")).to_have_text("This browser remembers you.")
    page.locator("#connect").click()
    expect_link(page, "live")
    page.locator("#forget").click()
    expect(page.locator("#forget")).to_have_text("Really forget me?")
    page.locator("#forget").click()
    expect(page.locator("#signin")).to_be_visible()
    expect(page.locator("#kept")).to_be_hidden()
    assert page.evaluate("Object.keys(localStorage)") == []
    page.reload()
    expect(page.locator("#nickname")).to_have_value("")


def leave_traces(page: Page, server: FakeServer) -> None:
    """Write, search and begin in every field that there is, as alice with a password."""
    server.retry = {"reason": "registered", "message": "alice is registered."}
    page.goto(server.url())
    page.locator("#nickname").fill("alice")
    page.locator("#connect").click()
    page.locator("#password").fill("secret")
    page.locator("#connect").click()
    expect_link(page, "live")
    write(page, "said")
    write(page, "/search said")
    expect(page.locator("#hits li")).to_have_count(1)
    page.locator("#join-room").fill("begun")
    page.locator("#composer").fill("begun")


def expect_no_traces(page: Page) -> None:
    expect_link(page, "live")
    expect(page.locator("#own-nickname")).to_have_text("mallory")
    expect(page.locator("#panel-title")).to_have_text(re.compile("member"))
    expect(page.locator("#composer")).to_have_value("")
    page.locator("#composer").press("ArrowUp")
    expect(page.locator("#composer")).to_have_value("")
    expect(page.locator("#join-room")).to_have_value("")
    page.locator("#show-search").click()
    expect(page.locator("#search-input")).to_have_value("")
    expect(page.locator("#hits li")).to_have_count(0)


def test_forget_leaves_nothing_for_the_next_person(page: Page, server: FakeServer) -> None:
    """Neither what was sent nor what was only begun, nor nickname and password at the sign-in."""
    leave_traces(page, server)
    page.locator("#forget").click()
    page.locator("#forget").click()
    for field in ("#nickname", "#password", "#server-password"):
        expect(page.locator(field)).to_have_value("")
    page.locator("#nickname").fill("mallory")
    page.locator("#connect").click()
    expect_no_traces(page)


def test_another_nickname_after_sign_out_is_another_person(page: Page, server: FakeServer) -> None:
    leave_traces(page, server)
    page.locator("#sign-out").click()
    expect(page.locator("#nickname")).to_have_value("alice")
    expect(page.locator("#password")).to_have_value("")
    page.locator("#nickname").fill("mallory")
    page.locator("#connect").click()
    expect_no_traces(page)
    assert "password" not in server.packets("NICK")[-1]


def test_forgotten_at_the_sign_in(page: Page, server: FakeServer) -> None:
    """The form that is there already is emptied too; signing in again after Sign out brings the draft back."""
    leave_traces(page, server)
    page.locator("#sign-out").click()
    page.locator("#connect").click()
    expect_link(page, "live")
    expect(page.locator("#composer")).to_have_value("begun")
    page.locator("#sign-out").click()
    page.locator("#password").fill("secret")
    page.locator("#forget-signin").click()
    page.locator("#forget-signin").click()
    expect(page.locator("#nickname")).to_have_value("")
    expect(page.locator("#password")).to_have_value("")


def test_without_storage_and_locks(context: BrowserContext, server: FakeServer) -> None:
    """A browser that keeps nothing still chats."""
    context.add_init_script("""
      Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError') } });
      Object.defineProperty(window, 'sessionStorage', { get() { throw new DOMException('no', 'SecurityError') } });
      Object.defineProperty(navigator, 'locks', { value: undefined });
    """)
    page = context.new_page()
    page.goto(server.url())
    page.locator("#nickname").fill("alice")
    page.locator("#connect").click()
    expect_link(page, "live")
    write(page, "hello")
    expect_sent(page, "hello")


def test_outbox_moves_without_web_locks(context: BrowserContext, server: FakeServer) -> None:
    """On plain http there are no Web Locks: tabs ask each other, and a living tab keeps what is its own."""
    context.add_init_script("Object.defineProperty(navigator, 'locks', { value: undefined })")
    one, two = context.new_page(), context.new_page()
    one.goto(server.url())
    one.locator("#nickname").fill("alice")
    one.locator("#connect").click()
    expect_link(one, "live")
    server.stop_serving()
    write(one, "mine")
    expect(one.locator(".message[data-state=pending]")).to_have_count(1)
    two.goto(server.url())
    held = two.evaluate(
        """async (key) => {
      const locks = new OwnerLocks({ channel: new BroadcastChannel('wordpacket') });
      return !(await locks.ifFree(key, () => {}));
    }""",
        kept(one)[0],
    )
    assert held
    expect(two.locator(".message[data-state=pending]")).to_have_count(0)
    one.reload()
    expect(one.locator(".message[data-state=pending]")).to_have_count(1)
    server.resume_serving()
    come_back(one)
    expect_sent(one, "mine")
    assert logged(server) == ["mine"]
