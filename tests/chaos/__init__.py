"""Chaos: the real programs under load, while processes are killed and sockets reset (PROTOCOL.md section 5).

`python -m tests.chaos` is the whole chat, `.kill` the server alone and its log, `.slow` readers that don't read,
`.disk` a disk that fills up. Everything here knows the programs from outside only: by their flags, by their
sockets, and by PROTOCOL.md.
"""
