"""Sockets, addresses and processes, for server, bridge and client. Nothing here knows of the chat."""
