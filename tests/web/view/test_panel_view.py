"""panel_view.js: members, search, all rooms, help; what the help shows is in test_cases.py."""

from playwright.sync_api import expect

from tests.web.conftest import SignIn, write
from tests.web.fake_server import FakeServer


def test_hits_by_number(signed_in: SignIn, server: FakeServer) -> None:
    """/search finds, /context shows what was said around one of them, /more brings older ones."""
    for number in range(60):
        server.say("bob", "lobby", f"word {number}")
    page = signed_in()

    write(page, "/search word")
    expect(page.locator("#hits li")).to_have_count(40)
    write(page, "/more")
    expect(page.locator("#hits li")).to_have_count(60)
    write(page, "/context 2")
    expect(page.locator(".message.found .text")).to_have_text("word 58")
    write(page, "/context 61")
    expect(page.locator("#slip")).to_have_text("There is no hit 61; use /search WORDS")
