"""How the full terminal begins and ends: who somebody is, what is kept for them, what is left unsent."""

import logging
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from prompt_toolkit import PromptSession

from cli_client.chat.session import Session
from cli_client.driver import local_now
from cli_client.library.client import Client
from cli_client.library.errors import NotAdmitted, Unreachable
from cli_client.library.store import Store, StoreBusy
from cli_client.screen.terminal import Terminal
from tcp_server.protocol import names

HINT = "/help lists the commands and keys"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for."""

    host: str
    port: int
    nickname: str
    rooms: tuple[str, ...]
    password: str | None = None
    server_password: str | None = None
    folder: Path | None = None  # of what is kept; None: the platform's


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


async def run_terminal(wanted: Wanted) -> None:
    """Chat on the full terminal until the person quits.

    Raises:
        Unreachable: no chat server answers.
        EOFError, KeyboardInterrupt: the person gave no other nickname.
    """
    client, notes = await _admit(wanted)
    session = Session(client.nickname, local_now())
    terminal = Terminal(client, session)
    for note in [client.motd, *notes, HINT]:
        if note:
            session.note(note)
    farewell = ""
    try:
        farewell = await terminal.run()
    finally:
        await client.close(farewell)
    if client.unsent:
        fate = f"goes out when you come back as {client.nickname}" if client.is_kept else "is lost"
        print(f"wordpacket: what was not sent yet ({client.unsent}) {fate}")


async def _admit(wanted: Wanted) -> tuple[Client, list[str]]:
    """Connect, and ask for another nickname, or a password, for as long as the server refuses."""
    nickname, password = wanted.nickname, wanted.password
    while True:
        store, notes = open_store(wanted, nickname)
        client = make_client(wanted, nickname, password, store)
        try:
            await client.connect()
        except NotAdmitted as refusal:
            print(f"wordpacket: {refusal}", file=sys.stderr)
            if refusal.reason == "password":
                wanted = replace(wanted, server_password=await _ask("Password of the server: ", hidden=True))
            elif refusal.reason == "registered":
                password = await _ask(f"Password of {nickname}: ", hidden=True)
            else:
                nickname, password = await _ask_nickname(), None
        except Unreachable:
            if client.unsent:
                print(f"wordpacket: what was not sent yet ({client.unsent}) is still kept", file=sys.stderr)
            raise
        else:
            return client, notes


def open_store(wanted: Wanted, nickname: str) -> tuple[Store | None, list[str]]:
    """Return what is kept for this user, and what to tell them if that is nothing."""
    try:
        return Store.open(wanted.host, wanted.port, nickname, wanted.folder), []
    except StoreBusy as busy:
        return None, [f"{busy}; what you leave unsent here is not kept"]
    except OSError as error:
        logger.warning("can't keep what is unsent: %s", error)
        return None, [f"what you leave unsent is not kept: {error.strerror}"]


async def _ask_nickname() -> str:
    while True:
        nickname = (await _ask("Another nickname: ")).strip()
        try:
            names.nickname_key(nickname)
        except names.NameFault as fault:
            print(f"wordpacket: a nickname {fault}", file=sys.stderr)
        else:
            return nickname


async def _ask(question: str, *, hidden: bool = False) -> str:
    prompt: PromptSession[str] = PromptSession()
    return await prompt.prompt_async(question, is_password=hidden)
