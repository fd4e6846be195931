"""The command line: flags, logging, signals; it starts the bridge (`python -m ws_bridge`)."""

import argparse
import asyncio
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from tcp_server.net.process import (
    FlagParser,
    StartError,
    allow_many_files,
    calm_collector,
    catch_signals,
    open_standard_streams,
    port_number,
    read_secret,
    run_loop,
    start_log,
)
from ws_bridge.bridge import Bridge, BridgeSettings
from ws_bridge.files import find_web
from ws_bridge.origins import Origin, parse_origin

DEFAULT_SERVER = "127.0.0.1:9000"
DEFAULT_SERVER_PORT = 9000
DEFAULT_PORT = 8765

EXIT_OK = 0
EXIT_FAILED = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bridge until a signal ends it; return the exit code."""
    open_standard_streams()
    options = make_parser().parse_args(arguments)
    start_log(options.log_level)
    try:
        settings = BridgeSettings(
            server=options.server,
            web=find_web(),
            host=options.host,
            port=options.port,
            origins=frozenset(options.origin),
            secret=options.link_secret_file and read_secret(options.link_secret_file),
        )
        allow_many_files()
        run_loop(serve(settings))
    except (StartError, OSError) as error:
        print(f"ws_bridge: {error}", file=sys.stderr)
        return EXIT_FAILED
    return EXIT_OK


async def serve(settings: BridgeSettings) -> None:
    """Start, print the page's address, and serve until SIGINT or SIGTERM; a second signal ends at once."""
    stop, hurry = catch_signals()
    bridge = Bridge(settings)
    port = await bridge.start()
    calm_collector()
    host = settings.host or "127.0.0.1"
    where = "" if settings.host else " (and on every other address of this machine)"
    print(f"The chat page is at http://{f'[{host}]' if ':' in host else host}:{port}/{where}")
    print(f"It links to the chat server at {bridge.upstream.address} as soon as that runs", flush=True)
    await stop.wait()
    logging.info("shutting down")
    closing = [asyncio.create_task(bridge.close()), asyncio.create_task(hurry.wait())]
    _, unfinished = await asyncio.wait(closing, return_when=asyncio.FIRST_COMPLETED)
    for task in unfinished:
        task.cancel()


def make_parser() -> FlagParser:
    description = "Serves the chat page, and carries browsers to the chat server over one TCP connection."
    parser = FlagParser("ws_bridge", description)
    option = parser.add_argument
    option(
        "--server",
        metavar="HOST:PORT",
        type=server_address,
        default=DEFAULT_SERVER,
        help="the chat server to link to; it may be started later (default: %(default)s)",
    )
    option(
        "--host",
        metavar="ADDRESS",
        help="the address to listen on for browsers (default: all interfaces, IPv4 and IPv6)",
    )
    option(
        "--port",
        metavar="PORT",
        type=port_number,
        default=DEFAULT_PORT,
        help="the port to listen on for browsers; 0 takes a free one (default: %(default)s)",
    )
    option(
        "--origin",
        metavar="ORIGIN",
        type=origin,
        action="append",
        default=[],
        help="let pages from this origin connect too, such as https://chat.example; may be repeated"
        " (always allowed: the bridge's own page, one opened from disk, this machine)",
    )
    option(
        "--link-secret-file",
        metavar="FILE",
        type=Path,
        help="the file with the secret that a server on another machine asks bridges for",
    )
    parser.add_usual_flags()
    return parser


def server_address(text: str) -> tuple[str, int]:
    """Read HOST:PORT, [IPV6]:PORT or a host alone."""
    try:
        parts = urlsplit(f"//{text}")
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if not parts.hostname or parts.netloc != text or "@" in text or port == 0:
        raise argparse.ArgumentTypeError(f"a server is HOST:PORT, not {text!r}")
    return parts.hostname, port or DEFAULT_SERVER_PORT


def origin(text: str) -> Origin:
    found = parse_origin(text.removesuffix("/"))
    if found is None:
        raise argparse.ArgumentTypeError(f"an origin looks like https://chat.example, not {text!r}")
    return found


if __name__ == "__main__":
    sys.exit(main())
