"""The rules on which terminal and page agree, held against the cases that both share (tests/cases)."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest

from cli_client.chat import commands, query
from cli_client.chat.commands import COMMANDS, TABLE
from cli_client.chat.completion import Known, complete
from cli_client.chat.handlers import CommandFault
from cli_client.chat.keys import KEYS
from cli_client.chat.links import find_links
from cli_client.chat.mentions import mentions
from cli_client.library import codes
from cli_client.library.text import sendable
from tcp_server.protocol import client_packets, server_packets

CASES = Path(__file__).parents[1] / "cases"
FACE = "terminal"


def cases(name: str) -> Any:
    return json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))


def here(name: str) -> list[dict[str, Any]]:
    """Return the rows of a table that the terminal has."""
    rows = cases(name)
    for row in rows:
        assert len(row["faces"]) == 2 or row["why"], "a face without a row has a reason"
    return [row for row in rows if FACE in row["faces"]]


def test_commands() -> None:
    """Name, aliases, usage, least words, help and example are those of the shared table, in its order."""
    columns = ("name", "aliases", "usage", "least", "help", "example")
    ours = [{column: getattr(command, column) for column in columns} for command in TABLE]
    assert [{**row, "aliases": list(row["aliases"])} for row in ours] == [
        {column: row[column] for column in columns} for row in here("commands")
    ]
    assert len(COMMANDS) == sum(1 + len(command.aliases) for command in TABLE)  # no name twice


@pytest.mark.parametrize("command", TABLE, ids=lambda command: command.name)
def test_examples_are_what_they_show(command: commands.Command) -> None:
    read = commands.read(command.example)
    assert not isinstance(read, str)
    assert read[0] is command


def test_keys() -> None:
    """The keys that /help shows are those of the shared table."""
    assert [(key.keys, key.does) for key in KEYS] == [(row["keys"], row["does"]) for row in here("keys")]


@pytest.mark.parametrize("case", cases("mentions"), ids=lambda case: f"{case['nickname']} in {case['text']!r}")
def test_mentions(case: dict[str, Any]) -> None:
    assert mentions(case["text"], case["nickname"]) is case["mentioned"]


@pytest.mark.parametrize("case", cases("links"), ids=lambda case: case["text"])
def test_links(case: dict[str, Any]) -> None:
    assert [case["text"][start:end] for start, end in find_links(case["text"])] == case["links"]


@pytest.mark.parametrize("case", cases("sendable")["cleaned"], ids=lambda case: ascii(case["typed"]))
def test_sendable(case: dict[str, Any]) -> None:
    assert sendable(case["typed"]) == case["sent"]


@pytest.mark.parametrize("case", cases("sendable")["lengths"], ids=lambda case: ascii(case["text"]))
def test_lengths_are_code_points(case: dict[str, Any]) -> None:
    assert len(case["text"]) == case["length"]


@pytest.mark.parametrize("case", cases("typed"), ids=lambda case: ascii(case["typed"]))
def test_typed(case: dict[str, Any]) -> None:
    """A typed line is a text, a command with the rest of the line, or a local error."""
    if "fault" in case:
        with pytest.raises(CommandFault) as caught:
            commands.read(case["typed"])
        assert str(caught.value) == case["fault"]
        return
    read = commands.read(case["typed"])
    if isinstance(read, str):
        assert {"typed": case["typed"], "text": read} == case
    else:
        assert {"typed": case["typed"], "command": read[0].name, "rest": read[1]} == case


QUERIES = cases("queries")
NOW = datetime.fromisoformat(QUERIES["now"]).astimezone(ZoneInfo(QUERIES["zone"]))


@pytest.mark.parametrize("case", QUERIES["cases"], ids=lambda case: ascii(case["typed"]))
def test_queries(case: dict[str, Any]) -> None:
    """A search becomes the fields of a SEARCH; its times are the same moments."""
    if "fault" in case:
        with pytest.raises(query.SearchFault) as caught:
            query.parse_search(case["typed"], NOW, 10)
        assert str(caught.value) == case["fault"]
        return
    found = json.loads(client_packets.format(query.parse_search(case["typed"], NOW, 10)))
    moments = {key: datetime.fromisoformat(case["search"].pop(key)) for key in ("since", "until") if key in found}
    assert {key: datetime.fromisoformat(found.pop(key)) for key in moments} == moments
    assert found == {"type": "SEARCH", "limit": 10, **case["search"]}


COMPLETION = cases("completion")


@pytest.mark.parametrize("case", COMPLETION["cases"], ids=lambda case: ascii(case["before"]))
def test_completion(case: dict[str, Any]) -> None:
    """The same proposals in the same order."""
    start, proposals = complete(case["before"], Known(**COMPLETION["given"]))
    assert (start, [proposal.text for proposal in proposals]) == (case["from"], case["proposals"])


def test_no_list_of_names_is_long() -> None:
    """Who wants another one types another letter."""
    members = [f"user{number:03}" for number in range(200)]
    _, proposals = complete("us", Known("alice", members=members))
    assert [proposal.text for proposal in proposals] == [f"user{number:03}: " for number in range(20)]


def test_codes() -> None:
    """What each BYE, RETRY and ERROR means, and one that is unknown."""
    shared = cases("codes")
    assert {reason: then.value for reason, then in codes.BYE.items()} == shared["bye"]
    assert {reason: then.value for reason, then in codes.RETRY.items()} == shared["retry"]
    held = {code: "held" if codes.is_held(code) else "failed" for code in shared["error"]}
    assert held == shared["error"]
    assert set(shared["error"]) >= codes.HELD
    said = [
        (server_packets.ByeReason, "bye"),
        (server_packets.RetryReason, "retry"),
        (server_packets.ErrorCode, "error"),
    ]
    for kind, name in said:
        assert set(get_args(kind)) <= set(shared[name]), "every code that the server says is in the table"
    unknown = "a-code-of-next-year"
    assert codes.after_bye(unknown).value == shared["unknown"]["bye"]
    assert codes.after_retry(unknown).value == shared["unknown"]["retry"]
    assert ("held" if codes.is_held(unknown) else "failed") == shared["unknown"]["error"]
