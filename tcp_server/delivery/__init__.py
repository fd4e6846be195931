"""The way out: connections, ports and links, each tick's writes, and catching up those that are behind."""
