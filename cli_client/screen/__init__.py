"""The full terminal: rows, bars, keys and the input line. It draws the views of `chat`; only `opening` starts it."""
