"""Addresses by value."""

import pytest

from tcp_server.net.addresses import is_loopback


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.10", "::1", "::1%lo", "::ffff:127.0.0.1"])
def test_a_loopback_address(address: str) -> None:
    """IPv4's whole net, IPv6's one address, and IPv4's wrapped by IPv6."""
    assert is_loopback(address)


@pytest.mark.parametrize(
    "address", ["192.0.2.7", "fe80::1%eth0", "::ffff:192.0.2.7", "0.0.0.0", "::", "localhost", "127.0.0.1:80", ""]
)
def test_any_other_text(address: str) -> None:
    """Another machine's address, all addresses, a name, and what is no address."""
    assert not is_loopback(address)
