"""The whole chat as people run it: real processes, a real browser, a real terminal."""
