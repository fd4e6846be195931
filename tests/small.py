"""Sockets that take little before their reader reads: with the system's megabytes nobody would ever seem slow."""

import socket

BUFFER = (
    64 * 1024
)  # bytes; a window smaller than a segment would be filled by the persist timer alone, 5 times a second
SEGMENT = 1_400  # bytes; the system grows the sender's buffer with them


def shrink(sock: socket.socket) -> None:
    """Make a socket small that is not connected yet, or has just been accepted."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT)
