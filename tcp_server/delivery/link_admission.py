"""Which connections may become links: those of bridges on this machine, or of bridges that know the secret."""

from __future__ import annotations

import hmac

from tcp_server.delivery.connection import Connection
from tcp_server.net.addresses import is_loopback


def may_link(connection: Connection, offered: str | None, secret: str | None) -> bool:
    """Say whether a connection may become a link.

    Args:
        offered: the secret in its LINK, if there is one.
        secret: the server's secret; None: only bridges on this machine may link.
    """
    if secret is not None and offered is not None:
        return hmac.compare_digest(offered.encode(), secret.encode())
    peer = connection.transport.get_extra_info("peername")
    return peer is not None and is_loopback(peer[0])
