"""The client in a pipe: lines in, lines out. Nothing here knows a screen; only `opening` starts it."""
