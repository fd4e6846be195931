"""Several people at one browser, and one person in several tabs: each tab stays who signed in in it."""

from playwright.sync_api import BrowserContext, Page, expect

from tests.web.conftest import SignIn, write
from tests.web.fake_server import FakeServer


def two_people(signed_in: SignIn, context: BrowserContext) -> tuple[Page, Page]:
    """Ada and Ben, each in a tab that was opened before anybody signed in."""
    one, two = context.new_page(), context.new_page()
    for page in (one, two):
        page.goto(signed_in.server.url())
    return signed_in("ada", one), signed_in("ben", two)


def expect_person(page: Page, nickname: str) -> None:
    expect(page.locator("#link-state")).to_have_attribute("data-state", "live")
    expect(page.locator("#own-nickname")).to_have_text(nickname)


def test_each_tab_speaks_as_its_own_person(signed_in: SignIn, server: FakeServer, context: BrowserContext) -> None:
    """After a cut and after a reload."""
    ada, ben = two_people(signed_in, context)
    server.drop()
    server.wait_for(lambda: len(server.packets("NICK")) == 4)
    for page, nickname in ((ada, "ada"), (ben, "ben")):
        expect_person(page, nickname)
        write(page, f"{nickname} speaks")
        expect(page.locator(".message[data-state=sent]", has_text=f"{nickname} speaks")).to_have_count(1)
        page.reload()
        expect_person(page, nickname)
    assert [(one["nickname"], one["message"]) for one in server.log] == [
        ("ada", "ada speaks"),
        ("ben", "ben speaks"),
    ]
    asked = [packet["ref"] for packet in server.received if packet.get("ref", "").startswith("ask-")]
    assert len(set(asked)) == len(asked), "a broadcast brings one page's ref to the other"


def test_what_one_left_unsent_is_not_said_by_another(
    signed_in: SignIn, server: FakeServer, context: BrowserContext
) -> None:
    """It waits for its author, who finds it on signing in again."""
    ada, ben = two_people(signed_in, context)
    server.stop_serving()
    write(ada, "by ada")
    expect(ada.locator(".message[data-state=pending]")).to_have_count(1)
    ada.close()
    server.resume_serving()
    ben.evaluate("dispatchEvent(new Event('online'))")
    expect_person(ben, "ben")
    expect(ben.locator(".message")).to_have_count(0)
    again = context.new_page()
    again.goto(server.url())
    again.locator("#sign-out").click()
    signed_in("Ada", again)
    expect(again.locator(".message[data-state=sent] .text")).to_have_text("by ada")
    assert [(one["nickname"], one["message"]) for one in server.log] == [("ada", "by ada")]


def test_forget_me_is_said_by_one(signed_in: SignIn, server: FakeServer, context: BrowserContext) -> None:
    """The other person stays signed in, and remembered; another tab of the same person is signed out."""
    ada, ben = two_people(signed_in, context)
    bens = context.new_page()
    bens.goto(server.url())
    expect_person(bens, "ben")
    ben.locator("#forget").click()
    ben.locator("#forget").click()
    expect(bens.locator("#signin")).to_be_visible()
    expect_person(ada, "ada")
    ada.reload()
    expect_person(ada, "ada")
    assert ada.evaluate("Object.keys(localStorage).filter((key) => key.includes('ben'))") == []


def test_a_rename_in_one_tab_signs_no_other_out(signed_in: SignIn, server: FakeServer, context: BrowserContext) -> None:
    one = signed_in("ada")
    two = context.new_page()
    two.goto(server.url())
    expect_person(two, "ada")
    write(one, "/nick adele")
    for page in (one, two):
        expect_person(page, "adele")
        page.reload()
        expect_person(page, "adele")
    keys = one.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('wordpacket.account'))")
    assert len(keys) == 1


def test_what_one_tab_read_is_read_in_the_other(signed_in: SignIn, server: FakeServer, context: BrowserContext) -> None:
    """One person, two tabs: who reads in the one need not read again in the other."""
    one = signed_in("ada")
    write(one, "/join den")
    expect(one.locator("#title")).to_have_text("#den")
    two = context.new_page()
    two.goto(server.url())
    expect_person(two, "ada")
    server.say("bob", "lobby", "news")
    count = '[data-key="#lobby"] .unread'
    expect(one.locator(count)).to_have_text("1")
    expect(two.locator(count)).to_have_text("1")
    two.bring_to_front()
    two.locator('[data-key="#lobby"]').click()
    expect(two.locator(".message .text")).to_have_text("news")
    expect(one.locator(count)).to_have_count(0)
