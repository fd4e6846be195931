"""How a client begins and ends on either face: the user, the store of this user, the messages that are left unsent."""

import logging
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from cli_client.chat.display import defuse_line
from cli_client.chat.session import ChatSession
from cli_client.driver import Driver, local_now
from cli_client.library.client import Client
from cli_client.library.codes import Then, after_retry
from cli_client.library.connect import ConnectionState
from cli_client.library.errors import NotAdmitted, Unreachable
from cli_client.library.store import Role, Store, StoreBusy
from cli_client.pipe.plain import Exit, Plain
from cli_client.screen.question import ask_nickname, ask_password
from cli_client.screen.terminal import Terminal
from tcp_server.protocol import names

HINT = "/help lists the commands and keys"
GUEST = "guest"  # the nickname for a login name without any character that a nickname may have

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The wishes of the command line."""

    host: str
    port: int
    nickname: str
    rooms: tuple[str, ...]
    password: str | None = None
    server_password: str | None = None
    folder: Path | None = None  # of the store; None: the platform's


def login_nickname(login: str) -> str:
    """Return the nickname for a user who gave none: the login name, made valid."""
    kept = ""
    for character in login:
        try:
            names.nickname_key(kept + character)
        except names.NameFault as fault:
            if fault.too_long:
                break
            continue
        kept += character
    kept = kept or GUEST
    return f"{kept}_" if names.fold(kept) in names.RESERVED else kept


def make_client(wanted: Wanted, nickname: str, password: str | None, store: Store | None) -> Client:
    """Return a client for this user that is not connected yet."""
    return Client(
        wanted.host,
        wanted.port,
        nickname=nickname,
        rooms=wanted.rooms,
        password=password,
        server_password=wanted.server_password,
        store=store,
        program="wordpacket-terminal",
    )


async def run_plain(wanted: Wanted, *, as_json: bool, literal: bool) -> Exit:
    """Chat through a pipe until the input ends; return the program's exit code.

    Raises:
        Unreachable: no chat server answers.
        NotAdmitted: the nickname is taken or not allowed.
    """
    wanted = replace(wanted, rooms=wanted.rooms or (names.LOBBY,))
    store, _ = open_store(wanted, wanted.nickname, Role.PIPE)
    client = make_client(wanted, wanted.nickname, wanted.password, store)
    await client.connect()
    return await make_plain(client, as_json=as_json, literal=literal, room=wanted.rooms[0]).run()


def make_plain(client: Client, *, as_json: bool, literal: bool, room: str = names.LOBBY) -> Plain:
    """Return the face for a pipe, with a client that is connected; texts go to this room first."""
    session = ChatSession(client.nickname, local_now(), paged=False)
    session.book.expect_room(room)
    return Plain(client, Driver(client, session), as_json=as_json, literal=literal)


async def run_terminal(wanted: Wanted) -> None:
    """Chat on the full terminal until the person quits.

    Raises:
        Unreachable: no chat server answers.
        NotAdmitted: the server is full or has banned this person.
        EOFError, KeyboardInterrupt: the person gave no other nickname.
    """
    client, notes = await _admit(wanted)
    session = ChatSession(client.nickname, local_now())
    for room in wanted.rooms[:1]:
        session.book.expect_room(room)
    if client.status.state is not ConnectionState.LIVE:
        session.book.keep_rooms(map(defuse_line, client.joined))
    terminal = Terminal(client, session.book, Driver(client, session))
    for note in [client.motd, *notes, HINT]:
        if note:
            session.book.note(note)
    farewell = ""
    try:
        farewell = await terminal.run()
    finally:
        await client.close(farewell)
    if client.unsent:
        fate = f"will be sent when you come back as {client.nickname}" if client.is_kept else "are lost"
        print(f"wordpacket: {_unsent(client)} {fate}")


async def _admit(wanted: Wanted) -> tuple[Client, list[str]]:
    """Connect, and ask for another nickname, or a password, for as long as the server refuses."""
    nickname, password = wanted.nickname, wanted.password
    while True:
        store, notes = open_store(wanted, nickname)
        client = make_client(wanted, nickname, password, store)
        try:
            await client.connect()
        except NotAdmitted as refusal:
            if after_retry(refusal.reason) is not Then.ASK:
                raise
            print(f"wordpacket: {defuse_line(str(refusal))}", file=sys.stderr)
            if refusal.reason == "password":
                wanted = replace(wanted, server_password=await ask_password("the server"))
            elif refusal.reason == "registered":
                password = await ask_password(nickname)
            else:
                nickname, password = await ask_nickname(), None
        except Unreachable as error:
            if not (client.was_here or client.outgoing):  # the address may be wrong
                raise
            store, notes = open_store(wanted, nickname)
            client = make_client(wanted, nickname, password, store)
            client.start()
            return client, [f"there is no server yet: {error}; here is what was kept", *notes]
        else:
            return client, notes


def open_store(wanted: Wanted, nickname: str, role: Role = Role.PERSON) -> tuple[Store | None, list[str]]:
    """Return a store of this user; if none can be opened, return the words that tell the user."""
    try:
        return Store.share(wanted.host, wanted.port, nickname, wanted.folder, role=role), []
    except StoreBusy as busy:
        return None, [f"{busy}; unsent messages of this one are not kept"]
    except OSError as error:
        logger.info("can't keep unsent messages: %s", error)
        return None, [f"unsent messages are not kept: {error.strerror}"]


def _unsent(client: Client) -> str:
    return f"messages not sent yet ({client.unsent})"
