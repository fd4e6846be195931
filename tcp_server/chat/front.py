"""In front of the hub: what needs randomness, hashing, local settings or Unicode's tables is done here.

The hub gets the results as values, so that two hubs that are given the same values in the same order stay the same.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass

from tcp_server.chat import tokens
from tcp_server.protocol import names, server_packets
from tcp_server.protocol.client_packets import ClientPacket, Nick, Refusal, given, parse
from tcp_server.protocol.names import NICKNAME_MAX, NameFault, Nickname, RoomName
from tcp_server.protocol.server_packets import RetryReason


class Claim(ClientPacket, tag="CLAIM"):
    """A NICK as it was checked.

    Attributes:
        asked: the nickname as it was sent, cut to the longest that RETRY carries.
        nickname: the nickname, if it may be had at all.
        fault: why not, if not, as RETRY says it.
        is_admitted: the server's password was right, or the server has none.
        uid: the token's, or a new one.
        is_proven: the token was good.
        rooms: the rooms to enter; None: it named none.
        epoch, after: where the client is in the log, as far as it said so.
    """

    asked: str
    nickname: Nickname | None
    fault: tuple[RetryReason, str] | None
    is_admitted: bool
    uid: int
    is_proven: bool
    rooms: tuple[RoomName, ...] | None
    epoch: str | None
    after: int | None


@dataclass(frozen=True)
class LocalSettings:
    """The settings of one server that may be different on another."""

    name: str
    version: str
    new_uid: Callable[[], int]
    motd: str | None = None
    server_password: str | None = None


class Front:
    """Reads and checks what clients send; the result is for the `Inlet`.

    Attributes:
        hello: the body of the HELLO for every session.

    Args:
        key: what tokens are signed with.
    """

    def __init__(self, settings: LocalSettings, key: bytes) -> None:
        self._new_uid = settings.new_uid
        self._server_password = settings.server_password
        self._key = key
        self.hello = server_packets.format(
            server_packets.Hello(
                protocol=server_packets.PROTOCOL_VERSION,
                server=settings.name,
                version=settings.version,
                limits=server_packets.Limits(),
                server_password=settings.server_password is not None,
                motd=settings.motd,
            )
        )

    def read(self, body: bytes) -> ClientPacket:
        """Return the checked packet of one body.

        Raises:
            Refusal: the body is answered with ERROR and the connection goes on.
            NotUtf8: the session ends.
        """
        packet = parse(body)
        return self.claim(packet) if type(packet) is Nick else packet

    def claim(self, packet: Nick) -> Claim:
        """Check all of a NICK that doesn't depend on the chat's state.

        Raises:
            Refusal: a room's name is none.
        """
        token, rooms, ref = given(packet.token), given(packet.rooms), given(packet.ref)
        uid = tokens.verify(self._key, token) if token else None
        nickname, fault = _check_nickname(packet.nickname)
        return Claim(
            ref=packet.ref,
            asked=packet.nickname[:NICKNAME_MAX],
            nickname=nickname,
            fault=fault,
            is_admitted=self._is_admitted(given(packet.server_password) or ""),
            uid=self._new_uid() if uid is None else uid,
            is_proven=uid is not None,
            rooms=None if rooms is None else _checked_rooms(rooms, ref),
            epoch=given(packet.epoch),
            after=given(packet.after),
        )

    def _is_admitted(self, password: str) -> bool:
        wanted = self._server_password
        return wanted is None or hmac.compare_digest(wanted.encode(), password.encode())


def _checked_rooms(rooms: list[str], ref: str | None) -> tuple[RoomName, ...]:
    checked = []
    for number, room in enumerate(dict.fromkeys(rooms)):
        try:
            checked.append(names.checked_room(room))
        except NameFault as fault:
            raise Refusal("too_long" if fault.too_long else "bad_packet", f"rooms[{number}]: {fault}", ref) from None
    return tuple(checked)


def _check_nickname(text: str) -> tuple[Nickname | None, tuple[RetryReason, str] | None]:
    try:
        nickname = names.checked_nickname(text)
    except NameFault as fault:
        return None, ("invalid", f"nickname {fault}")
    if nickname.key in names.RESERVED:
        return None, ("reserved", f"{text} is reserved")
    return nickname, None
