"""The full terminal: rows, bars, keys and the input line. It draws what `chat` holds."""
