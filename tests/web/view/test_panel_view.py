"""panel_view.js: members, search, all rooms, help."""

from tests.web.conftest import SignIn, write


def test_help_lists_every_command(signed_in: SignIn) -> None:
    page = signed_in()
    write(page, "/help")
    names = [text.split()[0] for text in page.locator("#command-list dt").all_text_contents()]
    wanted = [
        "/join",
        "/leave",
        "/msg",
        "/me",
        "/nick",
        "/topic",
        "/users",
        "/rooms",
        "/history",
        "/search",
        "/export",
        "/help",
        "/quit",
    ]
    assert names == wanted
