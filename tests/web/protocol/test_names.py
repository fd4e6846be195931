"""names.js: the same judgement as the server's names.py on every shared case, and on all of Unicode."""

import json
import sys
import unicodedata
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tcp_server.protocol import names

CASES: dict[str, Any] = json.loads((Path(__file__).parents[2] / "cases" / "names.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("one", "other"), CASES["same"])
def test_same(lab: Page, one: str, other: str) -> None:
    assert lab.evaluate("([one, other]) => Names.same(one, other)", [one, other])
    assert names.fold(one) == names.fold(other)


@pytest.mark.parametrize(("one", "other"), CASES["different"])
def test_different(lab: Page, one: str, other: str) -> None:
    assert not lab.evaluate("([one, other]) => Names.same(one, other)", [one, other])
    assert names.fold(one) != names.fold(other)


def test_same_for_every_character(lab: Page) -> None:
    """Of all that may stand in a name (but letters without case) page and server take the same ones for equal."""
    points = [
        point
        for point in range(sys.maxunicode + 1)
        if unicodedata.category(chr(point)) in {"Lu", "Ll", "Lt", "Lm", "Mn", "Mc", "Me", "Nd"}
    ]
    folded = lab.evaluate("points => points.map((point) => Names.fold(String.fromCodePoint(point)))", points)
    ours: defaultdict[str, list[int]] = defaultdict(list)
    theirs: defaultdict[str, list[int]] = defaultdict(list)
    for point, fold in zip(points, folded, strict=True):
        theirs[fold].append(point)
        ours[names.fold(chr(point))].append(point)
    assert sorted(theirs.values()) == sorted(ours.values())


def fault_of(kind: str, name: str) -> str | None:
    key = names.nickname_key if kind == "nickname" else names.room_key
    try:
        key(name)
    except names.NameFault as fault:
        return str(fault)
    return None


@pytest.mark.parametrize("case", CASES["nicknames"], ids=lambda case: case.get("why", case["name"]))
def test_nickname(lab: Page, case: dict[str, Any]) -> None:
    fault = lab.evaluate("name => Names.nicknameFault(name)", case["name"])
    assert (fault is None) == case["valid"], fault
    assert (fault_of("nickname", case["name"]) is None) == case["valid"]


@pytest.mark.parametrize("name", CASES["reserved"])
def test_reserved(lab: Page, name: str) -> None:
    assert lab.evaluate("name => Names.nicknameFault(name)", name) == "this nickname is reserved"
    assert names.fold(name) in names.RESERVED


@pytest.mark.parametrize("case", CASES["rooms"], ids=lambda case: case.get("why", case["name"]))
def test_room(lab: Page, case: dict[str, Any]) -> None:
    fault = lab.evaluate("name => Names.roomFault(name)", case["name"])
    assert (fault is None) == case["valid"], fault
    assert (fault_of("room", case["name"]) is None) == case["valid"]
    if "shown" in case:
        assert lab.evaluate("name => Names.bare(name)", case["name"]) == case["shown"]


def test_hues_are_spread_and_steady(lab: Page) -> None:
    """Spellings of one name share a colour; a hundred names use all of the circle."""
    assert lab.evaluate("Names.hue('Alice') === Names.hue('ALICE')")
    hues = lab.evaluate("Array.from({length: 200}, (_, n) => Names.hue('user' + n))")
    assert len({hue // 30 for hue in hues}) == 12
