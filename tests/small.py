"""Sockets with small buffers: with the system's megabytes no reader would ever seem slow."""

import socket

# Bytes. A window smaller than a segment would be filled only by the persist timer, 5 times a second.
BUFFER = 64 * 1024
SEGMENT = 1_400  # bytes; the system grows the sender's buffer with them


def shrink(sock: socket.socket) -> None:
    """Make the buffers of a socket small that is not connected yet, or has just been accepted."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT)
