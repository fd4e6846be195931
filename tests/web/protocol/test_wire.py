"""wire.js: bodies to packets and back, held against the cases that the Python side shares."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

CASES = Path(__file__).parents[2] / "cases"
BODIES = json.loads((CASES / "bodies.json").read_text(encoding="utf-8"))
PACKETS = json.loads((CASES / "packets.json").read_text(encoding="utf-8"))

PARSE = """body => {
  try { return { packet: Wire.parse(body) } }
  catch (fault) { return { fault: fault instanceof Wire.WireError ? fault.message : `not a WireError: ${fault}` } }
}"""


@pytest.mark.parametrize("case", BODIES, ids=lambda case: case.get("why", case["text"]))
def test_body(lab: Page, case: dict[str, Any]) -> None:
    """A body is a JSON object with a type, or parsing it says why not."""
    found = lab.evaluate(PARSE, case["text"])
    assert ("packet" in found) == case["valid"], found
    if case["valid"]:
        assert found["packet"]["type"] == case.get("type", "PING")
    else:
        assert not found["fault"].startswith("not a WireError")


@pytest.mark.parametrize("case", PACKETS, ids=lambda case: f"{case['packet']['type']} {case.get('field', 'good')}")
def test_packet(lab: Page, case: dict[str, Any]) -> None:
    """A packet of the server has the fields that the page reads; a fault names the field."""
    found = lab.evaluate(PARSE, json.dumps(case["packet"]))
    if case.get("valid"):
        assert found["packet"] == case["packet"]
    else:
        assert found["fault"].startswith(f"{case['field']} of {case['packet']['type']}")


def test_unknown_type_passes(lab: Page) -> None:
    """A type of a later protocol is no fault; the state ignores it."""
    assert lab.evaluate(PARSE, '{"type":"REACTION","x":1}') == {"packet": {"type": "REACTION", "x": 1}}


def test_format_leaves_out_what_is_undefined_and_escapes_nothing(lab: Page) -> None:
    found = lab.evaluate("Wire.format({type: 'MSG', room: undefined, message: 'é😀'})")
    assert found == '{"type":"MSG","message":"é😀"}'


@pytest.mark.parametrize(("length", "fits"), [(65_483, True), (65_484, False)])
def test_format_keeps_to_the_size(lab: Page, length: int, fits: bool) -> None:
    """A body has at most 65,500 bytes, counted in UTF-8."""
    script = """length => {
      try { return Wire.format({ type: "A", x: "y".repeat(length) }).length } catch (e) { return e.message }
    }"""
    found = lab.evaluate(script, length - len('{"type":"A","x":""}') + 17)
    assert found == 65_500 if fits else found == "packet of 65501 bytes; at most 65500 travel"


def test_length_counts_code_points(lab: Page) -> None:
    assert lab.evaluate("Wire.length('a😀é')") == 3
