"""The command line of the client: its flags, its log, and the choice of its face."""

import argparse
import asyncio
import getpass
import logging
import os
import sys
from pathlib import Path

from cli_client.chat.display import defuse_line
from cli_client.library.client import DEFAULT_HOST, DEFAULT_PORT
from cli_client.library.errors import NotAdmitted, Unreachable
from cli_client.library.store import Store, StoreBusy
from cli_client.opening import Wanted, login_nickname, run_plain, run_terminal
from cli_client.pipe.plain import Exit
from tcp_server.net.process import open_standard_streams, port_number, start_log, version
from tcp_server.protocol import names

DUMB = ("dumb", "unknown")  # terminals that can't move the cursor: they are treated as a pipe
EPILOG = """\
In a pipe (standard input or output is no terminal) each line of the input is
sent to the room, and each message comes out as a line. Lines that begin with /
are commands; // sends a text that begins with /. The exit code then is
  0    the input has ended, and the server's log has all of it
  1    no server answers, or the server sends the client away
  2    bad flags
  3    the nickname is taken or not allowed
  4    a message or a command was refused; the others went through
  74   the input can't be read, or the output can't be written
  129  the terminal was closed (SIGHUP)
  130  Ctrl-C
  141  nobody reads the output any more, and not all of the input was sent
  143  SIGTERM

Passwords, where a server or a nickname has one, are read from the environment:
WORDPACKET_SERVER_PASSWORD and WORDPACKET_PASSWORD. NO_COLOR leaves colours out.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the client and return the program's exit code."""
    open_standard_streams()
    parser = make_parser()
    flags = parser.parse_args(arguments)
    wanted = _wanted(parser, flags)
    full = sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") not in DUMB and not flags.json
    _start_log(flags.log_level, full=full)
    if flags.forget:
        return _forget(wanted)
    try:
        if full:
            asyncio.run(run_terminal(wanted))
            return Exit.DONE
        return asyncio.run(run_plain(wanted, as_json=flags.json, literal=flags.literal))
    except Unreachable as error:
        return _give_up(f"can't reach a chat server at {wanted.host} port {wanted.port}: {error}", Exit.UNREACHABLE)
    except NotAdmitted as error:
        return _give_up(f"{error.nickname} is not let in: {error}", Exit.NICKNAME)
    except EOFError:
        return Exit.NICKNAME
    except KeyboardInterrupt:
        return Exit.INTERRUPTED


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    started_as = Path(sys.argv[0]).name
    parser = argparse.ArgumentParser(
        prog="python -m cli_client" if started_as == "__main__.py" else started_as,
        description="Chat in the terminal, or through a pipe.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "host",
        metavar="HOST",
        nargs="?",
        default=DEFAULT_HOST,
        help=f"The server's name or address; {DEFAULT_HOST} if left out.",
    )
    add(
        "port",
        metavar="PORT",
        nargs="?",
        type=_port,
        default=DEFAULT_PORT,
        help=f"The server's port; {DEFAULT_PORT} if left out.",
    )
    add("--nick", metavar="NAME", type=_nickname, help="The nickname to take; your login name if left out.")
    add(
        "--room",
        metavar="ROOM",
        type=_room,
        action="append",
        default=[],
        help="A room to enter, and with several of these flags several rooms; the lobby if left out.",
    )
    add(
        "--json",
        action="store_true",
        help="Work as a pipe and write the server's JSON bodies, one a line; what a terminal might obey is escaped.",
    )
    add("--literal", action="store_true", help="In a pipe, send every line as it is, also one that begins with /.")
    add(
        "--forget",
        action="store_true",
        help="Remove the token and the unsent messages that are kept for this nickname at this server, and end.",
    )
    add(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        default="warning",
        help="How much is logged to standard error; the full terminal logs only if that is redirected.",
    )
    add("--version", action="version", version=version(), help="Print the version and exit.")
    return parser


def _wanted(parser: argparse.ArgumentParser, flags: argparse.Namespace) -> Wanted:
    """Return the wishes that the flags express."""
    host, port = flags.host, flags.port
    if host.startswith("[") and host.endswith("]"):  # an IPv6 address, as URLs write it
        host = host[1:-1]
    if not host:
        parser.error("HOST is empty")
    if host.isdecimal() and port == DEFAULT_PORT:  # `cli_client 9001`
        try:
            host, port = DEFAULT_HOST, _port(host)
        except argparse.ArgumentTypeError as error:
            parser.error(str(error))
    return Wanted(
        host,
        port,
        flags.nick or login_nickname(_login()),
        tuple(flags.room),
        os.environ.get("WORDPACKET_PASSWORD"),
        os.environ.get("WORDPACKET_SERVER_PASSWORD"),
    )


def _forget(wanted: Wanted) -> int:
    who = f"{wanted.nickname} at {wanted.host} port {wanted.port}"
    try:
        store = Store.open(wanted.host, wanted.port, wanted.nickname)
    except StoreBusy as busy:
        return _give_up(f"{busy}; end it first", Exit.UNREACHABLE)
    except OSError as error:
        return _give_up(f"can't forget {who}: {error.strerror}", Exit.UNREACHABLE)
    was_kept = store.forget()
    store.close()
    print(f"forgot {who}" if was_kept else f"nothing was kept for {who}")
    return Exit.DONE


def _start_log(level: str, *, full: bool) -> None:
    """Log to standard error, unless standard error is the screen that the full terminal owns."""
    if full and sys.stderr.isatty():
        logging.basicConfig(handlers=[logging.NullHandler()])
        return
    start_log(level)


def _give_up(text: str, code: Exit) -> int:
    print(f"wordpacket: {defuse_line(text)}", file=sys.stderr)
    return code


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # an account without a name, as in some containers
        return ""


def _port(text: str) -> int:
    port = port_number(text)
    if not port:
        raise argparse.ArgumentTypeError("no server listens on port 0")
    return port


def _nickname(text: str) -> str:
    try:
        names.nickname_key(text)
    except names.NameFault as fault:
        raise argparse.ArgumentTypeError(f"the nickname {fault}") from None
    return text


def _room(text: str) -> str:
    try:
        names.room_key(text)
    except names.NameFault as fault:
        raise argparse.ArgumentTypeError(f"the room's name {fault}") from None
    return names.room_shown(text)


if __name__ == "__main__":
    sys.exit(main())
