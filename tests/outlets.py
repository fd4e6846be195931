"""Outlets that keep what is written to them, and the `write_all` that serves them."""

from collections.abc import Iterable

from tcp_server.net.outlet import Outlet


class KeptOutlet(Outlet):
    """A connection that takes no bytes: it keeps all writes."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.writes.append(data)

    @property
    def text(self) -> str:
        return b"".join(self.writes).decode()


def write_each(outlets: Iterable[Outlet], data: bytes) -> None:
    """Write to outlets that are not real."""
    for outlet in outlets:
        outlet.write(data)
