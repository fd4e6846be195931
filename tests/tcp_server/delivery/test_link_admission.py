"""Which connections may become links."""

import pytest

from tcp_server.delivery.link_admission import may_link
from tests.tcp_server.house import FakeTransport


class Caller:
    """A connection from an address."""

    def __init__(self, address: str) -> None:
        self.transport = FakeTransport(address)


@pytest.mark.parametrize(("address", "is_allowed"), [("127.0.0.1", True), ("::1", True), ("192.0.2.7", False)])
@pytest.mark.parametrize("secret", [None, "sesame"])
def test_without_a_secret(address: str, secret: str | None, is_allowed: bool) -> None:
    """From loopback only, with any secret or none."""
    assert may_link(Caller(address), secret, None) is is_allowed  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("secret", "is_allowed"), [("sesame", True), ("Sesame", False), ("", False), ("šesame", False)]
)
@pytest.mark.parametrize("address", ["127.0.0.1", "192.0.2.7"])
def test_with_a_secret(address: str, secret: str, is_allowed: bool) -> None:
    """From anywhere, if it is right; one that is wrong is no better from here."""
    assert may_link(Caller(address), secret, "sesame") is is_allowed  # type: ignore[arg-type]


def test_with_a_secret_that_was_not_offered() -> None:
    """From loopback."""
    assert may_link(Caller("127.0.0.1"), None, "sesame")  # type: ignore[arg-type]
    assert not may_link(Caller("192.0.2.7"), None, "sesame")  # type: ignore[arg-type]


def test_a_connection_that_is_gone_already() -> None:
    """It has no address."""
    caller = Caller("127.0.0.1")
    caller.transport._extra.clear()  # type: ignore[attr-defined]
    assert not may_link(caller, None, None)  # type: ignore[arg-type]
