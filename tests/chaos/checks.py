"""The checks after a run: the whole log against every member's messages (PROTOCOL.md section 5)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

from tests.chaos.member import SQUARE, Heard, Member, Packet
from tests.chaos.wanderer import Wanderer

SHOWN = 10  # ids that a line of a report names


def check(members: Sequence[Member], log: Sequence[Packet]) -> list[str]:
    """Return all faults, a line each.

    Args:
        members: all members of the chat; each was there from before the first message to after the last.
        log: the messages of `export`, in its order.
    """
    wrongs = [wrong for member in members for wrong in member.wrongs]
    wrongs += _check_log(log)
    logged = {packet["id"]: _heard(packet) for packet in log}
    for member in members:
        wrongs += _check_acknowledged(member, logged)
        wrongs += _check_heard(member, logged)
        if isinstance(member, Wanderer):
            wrongs += _check_stays(member, log)
    wrongs += _check_order(members)
    return wrongs


def check_senders_order(members: Iterable[Member]) -> list[str]:
    """Check that the log has one member's messages in the order in which they were said.

    This holds for a member with a connection of its own that resends in order. A bridge holds a browser's messages
    while the server is away; the messages that were lost with the link come after these.
    """
    wrongs = []
    for member in members:
        ids = [member.acknowledged[ref] for ref in member.said if ref in member.acknowledged]
        if ids != sorted(ids):
            late = [id for before, id in pairwise(ids) if id < before]
            wrongs.append(f"{member.label}: said in another order than logged: {late[:SHOWN]}")
    return wrongs


def check_page(member: Member, request: Packet, page: Packet, log: Sequence[Packet]) -> list[str]:
    """Check one HISTORY page against the log: the messages asked for, without a hole, and the right `more`."""
    if page["type"] != "HISTORY":
        return [f"{member.label}: {request} got {page}"]
    got = [packet["id"] for packet in page["messages"]]
    visible = [packet["id"] for packet in log if _belongs(packet, request, member.nickname)]
    if "after" in request:
        there = [id for id in visible if id > request["after"]]
        wanted, more = there[: len(got)], there[len(got) :]
    else:
        there = [id for id in visible if id < request.get("before", there_is_no_id_like(visible))]
        wanted, more = there[len(there) - len(got) :], there[: len(there) - len(got)]
    wrongs = []
    if got != wanted:
        wrongs.append(f"{member.label}: {request} got {_few(got)}, not {_few(wanted)}")
    elif page["more"] != bool(more):
        wrongs.append(f"{member.label}: {request} got more={page['more']}, but {len(more)} are left")
    return wrongs


def there_is_no_id_like(ids: Sequence[int]) -> int:
    """Return an id above all of these."""
    return max(ids, default=0) + 1


def _check_log(log: Sequence[Packet]) -> list[str]:
    """Check that no message is in the log twice, and that ids grow."""
    wrongs = []
    ids = [packet["id"] for packet in log]
    if ids != sorted(set(ids)):
        wrongs.append("log: ids don't grow strictly")
    for what, keys in (
        ("ref", [(packet["uid"], packet.get("ref")) for packet in log]),
        ("message", [packet["message"] for packet in log]),
    ):
        places: defaultdict[object, list[int]] = defaultdict(list)
        for id, key in zip(ids, keys, strict=True):
            places[key].append(id)
        wrongs += [f"log: the same {what} as {_few(twice)}" for twice in places.values() if len(twice) > 1]
    return wrongs


def _check_acknowledged(member: Member, logged: dict[int, Heard]) -> list[str]:
    """Check that every message was acknowledged, and is in the log with its text."""
    wrongs = []
    silent = [ref for ref in member.said if ref not in member.acknowledged]
    if silent:
        texts = [member.said[ref][:40] for ref in silent[:SHOWN]]
        wrongs.append(f"{member.label}: {len(silent)} of {len(member.said)} never acknowledged: {texts}")
    for ref, id in member.acknowledged.items():
        if id not in logged:
            wrongs.append(f"{member.label}: {id} was acknowledged, but is not in the log")
        elif logged[id].message != member.said[ref]:
            wrongs.append(f"{member.label}: {id} was acknowledged, but the log has another text")
    return wrongs


def _check_heard(member: Member, logged: dict[int, Heard]) -> list[str]:
    """Check that a member heard exactly the log's messages for it, each once."""
    wrongs = []
    visible = {id for id, heard in logged.items() if _is_for(heard, member)}
    ids = [heard.id for heard in member.heard if heard.room != SQUARE]
    lost, strange = visible.difference(ids), set(ids) - visible
    if lost:
        wrongs.append(f"{member.label}: {len(lost)} of {len(visible)} messages were lost: {_few(sorted(lost))}")
    if strange:
        wrongs.append(f"{member.label}: heard what it should not have: {_few(sorted(strange))}")
    if len(ids) != len(set(ids)):
        wrongs.append(f"{member.label}: {len(ids) - len(set(ids))} messages were heard twice")
    other = [heard.id for heard in member.heard if heard.id in logged and heard != logged[heard.id]]
    if other:
        wrongs.append(f"{member.label}: heard differently from the log: {_few(other)}")
    return wrongs


def _check_stays(member: Wanderer, log: Sequence[Packet]) -> list[str]:
    """Check that a wanderer heard the square's messages of each stay, without a hole; the last stay is not over.

    A wanderer that lagged on its arrival is caught up from an earlier message, and so may hear more.
    """
    wrongs = []
    square = [packet["id"] for packet in log if packet.get("room") == SQUARE]
    for stay in member.stays:
        end = there_is_no_id_like(square) if stay is member.stays[-1] else max(stay.ids, default=0)
        start = min([stay.start + 1, *stay.ids[:1]])
        wanted = [id for id in square if start <= id <= end]
        if stay.ids != wanted:
            lost, strange = set(wanted).difference(stay.ids), set(stay.ids).difference(wanted)
            diary = ", ".join(member.diary)
            wrongs.append(
                f"{member.label}: in the square after {stay.start} lost {_few(sorted(lost))}"
                f" and heard {_few(sorted(strange))} too many [{diary}]"
            )
    if member.early:
        wrongs.append(f"{member.label}: heard the square without being there: {_few(member.early)}")
    texts = {packet["message"] for packet in log}
    said_in_vain = [text for text in member.refused_for_good if text in texts]
    if said_in_vain:
        wrongs.append(f"{member.label}: refused, but in the log: {said_in_vain[:SHOWN]}")
    return wrongs


def check_rosters(members: Sequence[Member], rosters: dict[str, Packet]) -> list[str]:
    """Check that the USERS of each room name exactly its members."""
    wrongs = []
    for room, users in rosters.items():
        wanted = sorted({member.nickname for member in members if room in member.rooms})
        if users.get("users") != wanted or users["count"] != len(wanted):
            wrongs.append(f"{room}: USERS says {users}, but {wanted} are in it")
    return wrongs


def _check_order(members: Sequence[Member]) -> list[str]:
    """Check by the texts that all members of a room heard its messages in one order."""
    wrongs = []
    for room in sorted({room for member in members for room in member.rooms}):
        first: tuple[str, list[str]] | None = None
        for member in members:
            if room not in member.rooms:
                continue
            texts = [heard.message for heard in member.heard if heard.room == room]
            first = first or (member.nickname, texts)
            if sorted(texts) == sorted(first[1]) and texts != first[1]:
                wrongs.append(f"{room}: {member.nickname} heard another order than {first[0]}")
    return wrongs


def _heard(packet: Packet) -> Heard:
    return Heard(
        packet["id"], packet.get("room"), packet.get("to"), packet["nickname"], packet["message"], packet["timestamp"]
    )


def _is_for(heard: Heard, member: Member) -> bool:
    if heard.room is not None:
        return heard.room in member.rooms
    return bool(member.nicknames & {heard.nickname, heard.to})


def _belongs(packet: Packet, request: Packet, nickname: str) -> bool:
    if "room" in request:
        return bool(packet.get("room") == request["room"])
    return packet.get("to") is not None and {packet["nickname"], packet["to"]} == {nickname, request["to"]}


def _few(ids: Sequence[int]) -> str:
    return ", ".join(map(str, ids[:SHOWN])) + (f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else "")
