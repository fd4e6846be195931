"""`python -m tcp_server PORT`: flags, data folder, signals; `export` and `import` are in `archiving`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import secrets
import socket
import sys
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from tcp_server import archiving
from tcp_server.chat.front import Front, LocalSettings
from tcp_server.chat.steps import ChatSettings
from tcp_server.folder import PRIVATE, add_data_flag, lock_folder, make_folder, token_key
from tcp_server.log.interface import ArchiveError, LogError
from tcp_server.log.sqlite_log import SqliteLog
from tcp_server.net.listening import bind
from tcp_server.net.process import (
    FlagParser,
    StartError,
    allow_many_files,
    calm_collector,
    catch_signals,
    escape_controls,
    open_standard_streams,
    port_number,
    read_secret,
    run_loop,
    start_log,
    version,
)
from tcp_server.net.repeats import limit_repeats
from tcp_server.protocol import fields, server_packets
from tcp_server.server import Server

DESCRIPTION = "The chat server: speaks word packets over TCP and keeps every message."
EPILOG = """\
python -m tcp_server export FILE writes the whole log as JSON Lines (- is standard output), while the server runs too;
python -m tcp_server import FILE fills an empty data folder from such a file.
"""
logger = logging.getLogger(__name__)

NAME_MAX = 64  # characters of the server's name
DIGITS_MAX = 12  # of a count or an age, far beyond any log
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
SWITCH_SECONDS = 0.0005  # how long the loop may keep the log's threads from running Python (default 0.005)
LOOPBACK = {None: "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # where a client on this machine connects


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its status."""
    open_standard_streams()
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        if arguments and arguments[0] in archiving.COMMANDS:
            archiving.run_command(arguments)
        else:
            _serve(_server_parser().parse_args(arguments))
    except (StartError, LogError, ArchiveError) as error:
        print(f"tcp_server: {escape_controls(str(error))}", file=sys.stderr)
        sys.exit(1)


def _server_parser() -> FlagParser:
    parser = FlagParser("tcp_server", DESCRIPTION, EPILOG)
    add = parser.add_argument
    add("port", metavar="PORT", type=port_number, help="the TCP port to listen on; 0 lets the system choose one")
    add("--host", help="listen on this address only (default: on all, IPv4 and IPv6)")
    add_data_flag(parser)
    add("--name", type=_name, default="Wordpacket", help="the server's name, which clients show (default: %(default)s)")
    add("--motd", type=_motd, help="a message of the day, shown to everybody who connects")
    for flag, seconds, text in (
        ("--shutdown-delay", 5.0, "how long everybody is warned before the server ends (default: 5)"),
        ("--grace", 60.0, "how long a nickname is held for somebody whose connection broke (default: 60)"),
    ):
        add(flag, type=_seconds, default=seconds, metavar="SECONDS", help=text)
    text = "normal (default): an echoed message survives a crash of the server; full: a power cut too"
    add("--sync", choices=("normal", "full"), default="normal", help=text)
    add("--keep", type=_age, metavar="AGE", help="forget messages older than this, such as 90d (default: keep all)")
    add("--keep-messages", type=_count, metavar="N", help="keep only the newest N messages (default: all)")
    for flag, text in (
        (
            "--link-secret-file",
            "let bridges elsewhere link with the secret in this file (default: only this machine's)",
        ),
        ("--server-password-file", "ask everybody for the password in FILE (default: the server is open)"),
    ):
        add(flag, type=Path, metavar="FILE", help=text)
    parser.add_usual_flags()
    return parser


def _name(text: str) -> str:
    if "\n" in text or "\t" in text:
        raise argparse.ArgumentTypeError("has more than one line or column")
    return _text(text, NAME_MAX)


def _motd(text: str) -> str:
    return _text(text, server_packets.MESSAGE_MAX)


def _text(text: str, most: int) -> str:
    """Hold a text that goes out in packets to the rules for a message."""
    try:
        text.encode()
        fields.check_text("text", text, 1, most)
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError("is not UTF-8 text") from None
    except fields.Fault as fault:
        raise argparse.ArgumentTypeError(fault.text.removeprefix("text: ")) from None
    return text


def _seconds(text: str) -> float:
    if not text.replace(".", "", 1).isdecimal() or float(text) >= 1e9:
        raise argparse.ArgumentTypeError(f"seconds are a number such as 5 or 0.5, not {text!r}")
    return float(text)


def _count(text: str) -> int:
    if not text.isdecimal() or len(text) > DIGITS_MAX or int(text) == 0:
        raise argparse.ArgumentTypeError(f"a count of messages is a number from 1 on, not {text!r}")
    return int(text)


def _age(text: str) -> float:
    unit = UNITS.get(text[-1:])
    if unit is None or not text[:-1].isdecimal() or len(text) > DIGITS_MAX or int(text[:-1]) == 0:
        raise argparse.ArgumentTypeError(f"an age is a number with s, m, h or d, such as 90d, not {text!r}")
    return float(int(text[:-1]) * unit)


# Serving


def _serve(options: argparse.Namespace) -> None:
    start_log(options.log_level)
    limit_repeats()
    os.umask(PRIVATE)
    allow_many_files()
    sys.setswitchinterval(SWITCH_SECONDS)
    password = options.server_password_file and read_secret(options.server_password_file)
    link_secret = options.link_secret_file and read_secret(options.link_secret_file)
    with ExitStack() as stack:
        sockets = [stack.enter_context(sock) for sock in bind(options.host, options.port)]
        make_folder(options.data)
        stack.callback(lock_folder(options.data).release)
        run_loop(_run(options, sockets, password, link_secret))


async def _run(
    options: argparse.Namespace, sockets: list[socket.socket], password: str | None, link_secret: str | None
) -> None:
    log = SqliteLog(
        options.data,
        asyncio.get_running_loop(),
        full_sync=options.sync == "full",
        keep_seconds=options.keep,
        keep_messages=options.keep_messages,
    )
    with closing(log):
        local = LocalSettings(
            name=options.name,
            version=version(),
            new_uid=lambda: secrets.randbits(63),
            motd=options.motd,
            server_password=password,
        )
        key = token_key(options.data)
        settings = ChatSettings(epoch=log.epoch, key=key, grace_seconds=options.grace)
        stop, hurry = catch_signals()
        server = Server(log, Front(local, key), settings, link_secret=link_secret)
        await server.listen(sockets)
        calm_collector()
        _announce(sockets, options, log.path)
        await stop.wait()
        logger.info("shutting down in %g s; once more to end at once", options.shutdown_delay)
        await server.shutdown(options.shutdown_delay, hurry)


def _announce(sockets: Sequence[socket.socket], options: argparse.Namespace, path: Path) -> None:
    addresses = [sock.getsockname()[:2] for sock in sockets]
    port = addresses[0][1]
    shown = ", ".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in addresses)
    host = LOOPBACK.get(options.host, options.host)
    server = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = (
        f"listening on {shown}",
        f"messages are kept in {path}",
        f"next: python -m cli_client {host} {port}   (terminal), or: python -m ws_bridge --server {server}   (browser)",
    )
    encoding = sys.stdout.encoding  # it may have no word for the path
    try:
        print("\n".join(lines).encode(encoding, "backslashreplace").decode(encoding), flush=True)
    except OSError as error:
        logger.warning("standard output takes nothing: %s", error.strerror)
        with open(os.devnull, "wb") as null:  # for what Python still has of these lines
            os.dup2(null.fileno(), sys.stdout.fileno())


if __name__ == "__main__":
    main()
