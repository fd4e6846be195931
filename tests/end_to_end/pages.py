"""A person's actions on the page, and the messages on it."""

from playwright.sync_api import Page, expect


def enter(page: Page, room: str) -> None:
    page.locator("#join-room").fill(room)
    page.locator("#join-room").press("Enter")
    expect(page.locator("#title")).to_have_text(f"#{room}")


def write(page: Page, text: str) -> None:
    page.locator("#composer").fill(text)
    page.locator("#composer").press("Enter")


def expect_message(page: Page, nickname: str, text: str, state: str = "sent") -> None:
    """Wait until a message is on the page, once."""
    message = page.locator(f".message[data-state={state}]", has=page.locator(".text", has_text=text))
    expect(message).to_have_count(1)
    expect(message.locator(".text")).to_have_text(text)


def messages(page: Page) -> list[str]:
    """Return the texts of the room shown that the server has echoed, in order."""
    return page.locator(".message[data-state=sent] .text").all_inner_texts()
