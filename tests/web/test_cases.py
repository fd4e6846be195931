"""The rules on which page and terminal agree, held against the cases that both share (tests/cases)."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web.conftest import WEB, SignIn
from tests.web.fake_server import FakeServer

CASES = Path(__file__).parents[1] / "cases"
FACE = "page"


def cases(name: str) -> Any:
    return json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))


def here(name: str) -> list[dict[str, Any]]:
    """Return the rows of a table that the page has."""
    return [row for row in cases(name) if FACE in row["faces"]]


def call(page: Page, function: str, *arguments: object) -> Any:
    """Call a function of the page; JSON in the script carries half a surrogate pair, which an argument can't."""
    return page.evaluate(f"{function}({', '.join(map(json.dumps, arguments))})")


def uncapitalised(sentence: str) -> str:
    """Return a fault as the terminal says it: the page begins a sentence with a capital."""
    assert sentence[0].upper() == sentence[0]
    return sentence[0].lower() + sentence[1:]


def test_commands(lab: Page) -> None:
    """Name, aliases, usage, least words, help and example are those of the shared table, in its order."""
    columns = ("name", "aliases", "usage", "least", "help", "example")
    ours = lab.evaluate("Commands.TABLE.map(({ run, takes, ...row }) => ({ aliases: [], ...row }))")
    assert ours == [{column: row[column] for column in columns} for row in here("commands")]


@pytest.mark.parametrize("row", here("commands"), ids=lambda row: row["name"])
def test_examples_are_what_they_show(lab: Page, row: dict[str, Any]) -> None:
    assert call(lab, "(typed => Commands.read(typed).command.name)", row["example"]) == row["name"]


def test_keys(lab: Page) -> None:
    """The keys of the help are those of the shared table."""
    assert lab.evaluate("Keys.TABLE") == [{"keys": row["keys"], "does": row["does"]} for row in here("keys")]


def test_the_help_shows_both_tables(signed_in: SignIn) -> None:
    """Commands with an example each, and keys."""
    page = signed_in()
    page.locator("#show-help").click()
    commands, keys = here("commands"), here("keys")
    usages = [f"/{row['name']} {row['usage']}".strip() for row in commands]
    expect(page.locator("#command-list dt")).to_have_text(usages)
    explained = [row["help"] + (row["example"] if row["usage"] else "") for row in commands]
    expect(page.locator("#command-list dd")).to_have_text(explained)
    expect(page.locator("#key-list dt")).to_have_text([row["keys"] for row in keys])
    expect(page.locator("#key-list dd")).to_have_text([row["does"] for row in keys])


@pytest.mark.parametrize("case", cases("mentions"), ids=lambda case: f"{case['nickname']} in {case['text']!r}")
def test_mentions(lab: Page, case: dict[str, Any]) -> None:
    assert call(lab, "Mentions.has", case["text"], case["nickname"]) is case["mentioned"]


def test_mentions_are_found_at_once(lab: Page) -> None:
    """A text that is full of the nickname, of links or of code takes time in proportion to its length."""
    script = """() => {
      const start = performance.now();
      for (const text of ["bob", "@bob.", "http://a.test/bob ", "`bob` ", "``` bob ", "[bob](("]) {
        Mentions.has(text.repeat(40_000), "bob");
      }
      return performance.now() - start;
    }"""
    assert lab.evaluate(script) < 2_000


@pytest.mark.parametrize("case", cases("links"), ids=lambda case: case["text"])
def test_links(lab: Page, case: dict[str, Any]) -> None:
    """What is found is a link, and all the rest stays as it was."""
    parts = call(lab, "Links.parts", case["text"])
    assert [part["text"] for part in parts if not isinstance(part, str)] == case["links"]
    assert "".join(part if isinstance(part, str) else part["text"] for part in parts) == case["text"]


@pytest.mark.parametrize("case", cases("sendable")["cleaned"], ids=lambda case: ascii(case["typed"]))
def test_sendable(lab: Page, case: dict[str, Any]) -> None:
    assert call(lab, "Wire.clean", case["typed"]) == case["sent"]


@pytest.mark.parametrize("case", cases("sendable")["lengths"], ids=lambda case: ascii(case["text"]))
def test_lengths_are_code_points(lab: Page, case: dict[str, Any]) -> None:
    assert call(lab, "Wire.length", case["text"]) == case["length"]


READ = """(typed => {
  try {
    const { command, rest, text } = Commands.read(typed);
    return command === undefined ? { typed, text } : { typed, command: command.name, rest };
  } catch (fault) {
    if (!(fault instanceof Commands.CommandError)) throw fault;
    return { typed, fault: fault.message };
  }
})"""


@pytest.mark.parametrize("case", cases("typed"), ids=lambda case: ascii(case["typed"]))
def test_typed(lab: Page, case: dict[str, Any]) -> None:
    """A typed text is a text, a command with the rest of the line, or a local error."""
    found = call(lab, READ, case["typed"])
    if "fault" in found:
        found["fault"] = uncapitalised(found["fault"])
    assert found == case


QUERIES = cases("queries")
PARSE = """((typed, now) => {
  try {
    return { search: Query.parse(typed, Date.parse(now)) };
  } catch (fault) {
    if (!(fault instanceof Query.QueryError)) throw fault;
    return { fault: fault.message };
  }
})"""


@pytest.fixture(scope="module")
def abroad(browser: Browser) -> Iterator[Page]:
    """The page, for a person in the zone of the searches."""
    page = browser.new_page(timezone_id=QUERIES["zone"])
    page.goto((WEB / "index.html").as_uri())
    yield page
    page.context.close()


@pytest.mark.parametrize("case", QUERIES["cases"], ids=lambda case: ascii(case["typed"]))
def test_queries(abroad: Page, case: dict[str, Any]) -> None:
    """A search becomes the fields of a SEARCH; its times are the same moments."""
    found = call(abroad, PARSE, case["typed"], QUERIES["now"])
    for search in (found.get("search", {}), case.get("search", {})):
        search.update({key: datetime.fromisoformat(search[key]) for key in ("since", "until") if key in search})
    assert {"typed": case["typed"], **found} == case


COMPLETION = cases("completion")


@pytest.mark.parametrize("case", COMPLETION["cases"], ids=lambda case: ascii(case["before"]))
def test_completion(lab: Page, case: dict[str, Any]) -> None:
    """The same proposals in the same order."""
    options = call(lab, "Completion.propose", case["before"], COMPLETION["given"])
    start = call(lab, "Completion.wordStart", case["before"])
    assert (start, [option["text"] for option in options]) == (case["from"], case["proposals"])


def test_codes(lab: Page) -> None:
    """What each BYE, RETRY and ERROR means, and one that is unknown."""
    shared = cases("codes")
    assert lab.evaluate("Codes.BYE") == shared["bye"]
    assert lab.evaluate("Codes.RETRY") == shared["retry"]
    for code, fate in shared["error"].items():
        assert call(lab, "Codes.isHeld", code) is (fate == "held"), code
    for unknown in ("a-code-of-next-year", "constructor"):
        assert call(lab, "Codes.afterBye", unknown) == shared["unknown"]["bye"]
        assert call(lab, "Codes.afterRetry", unknown) == shared["unknown"]["retry"]
        assert call(lab, "Codes.isHeld", unknown) is (shared["unknown"]["error"] == "held")


@pytest.mark.parametrize(
    "line",
    ["/jion dev", "/join", "/join a!b", "/сказать hi", "/search x since:never", "/retry", "/context 4", "/switch x"],
)
def test_a_refused_line_stays(signed_in: SignIn, server: FakeServer, line: str) -> None:
    """It is said why, nothing is sent, and the line can be mended."""
    page = signed_in()
    composer = page.locator("#composer")
    composer.fill(line)
    composer.press("Enter")
    expect(page.locator("#slip")).not_to_be_empty()
    expect(composer).to_have_value(line)
    composer.fill("mended")
    composer.press("Enter")
    expect(page.locator(".message[data-state=sent] .text")).to_have_text("mended")
    expect(composer).to_have_value("")
    assert [message["message"] for message in server.log] == ["mended"]
