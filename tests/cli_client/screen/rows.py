"""What the tests of the screen have in common."""

from datetime import UTC, datetime

from cli_client.screen.paint import Row

NOW = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)


def text(row: Row) -> str:
    return "".join(part for _, part in row)
