"""wording.js: the addresses in a message, and that no message takes long to look for them."""

import pytest
from playwright.sync_api import Page


@pytest.mark.parametrize(
    ("message", "address"),
    [
        ("see http://a.test/b.", "http://a.test/b"),
        ("(http://a.test/b)", "http://a.test/b"),
        ("(http://a.test/b_(c))", "http://a.test/b_(c)"),
        ("http://a.test/b_(c)?d=[e].", "http://a.test/b_(c)?d=[e]"),
        ("[“is http://a.test/{b}!?”]", "http://a.test/{b}"),
        ("([http://a.test/b]).", "http://a.test/b"),
        ("http://a.test/(b", "http://a.test/(b"),
    ],
)
def test_an_address_ends_before_the_sentence_does(lab: Page, message: str, address: str) -> None:
    """Full stops and closing brackets behind it are the sentence's, unless it opened them itself."""
    script = "message => Wording.parts(message).filter((part) => typeof part !== 'string').map((part) => part.text)"
    assert lab.evaluate(script, message) == [address]
    script = "message => Wording.parts(message).map((part) => part.text ?? part).join('')"
    assert lab.evaluate(script, message) == message


@pytest.mark.parametrize(
    "ending", [")" * 40_000, "([{}" * 10_000 + "})]" * 20_000, "." * 40_000 + "x"], ids=["brackets", "nested", "stops"]
)
def test_no_message_holds_the_page_up(lab: Page, ending: str) -> None:
    """Looking for addresses takes time in proportion to the text; the square of so much would be many seconds."""
    script = """message => {
      const start = performance.now();
      Wording.parts(message);
      return performance.now() - start;
    }"""
    assert lab.evaluate(script, f"http://a/→{ending}") < 1_000
