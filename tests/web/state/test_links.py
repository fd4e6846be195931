"""links.js: no message takes long to look for its links; the rule itself is in test_cases.py."""

import pytest
from playwright.sync_api import Page


@pytest.mark.parametrize(
    "ending", [")" * 40_000, "([{}" * 10_000 + "})]" * 20_000, "." * 40_000 + "x"], ids=["brackets", "nested", "stops"]
)
def test_no_message_holds_the_page_up(lab: Page, ending: str) -> None:
    """Looking for addresses takes time in proportion to the text; the square of so much would be many seconds."""
    script = """message => {
      const start = performance.now();
      Links.parts(message);
      return performance.now() - start;
    }"""
    assert lab.evaluate(script, f"http://a/→{ending}") < 1_000
