"""Chaos: the real programs under load, while processes are killed and sockets reset (PROTOCOL.md section 5).

`python -m tests.chaos` is the whole chat, `.kill` the server and its log, `.slow` readers that stop reading, and
`.disk` a disk that fills up. These tests know the programs only from outside: by their flags, by their sockets, and by
PROTOCOL.md.
"""
