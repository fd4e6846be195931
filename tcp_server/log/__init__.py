"""The one ordered log and all readings of it. The floors above know its two interfaces, and nothing of SQLite."""
