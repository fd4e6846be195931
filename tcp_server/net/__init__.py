"""Sockets and processes: what server, bridge and client need of the operating system. It knows nothing of the chat."""
