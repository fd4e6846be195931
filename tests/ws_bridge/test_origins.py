"""Origins: which spellings are the same, and which pages are let in."""

import pytest

from tests.cost import cost
from ws_bridge.origins import Origin, is_origin_allowed, parse_origin

FRIENDS = {
    parse_origin(text)
    for text in (
        "https://friend.example",
        "HTTPS://MÜLLER.example:443",
        "https://straße。example.",
        "http://[2001:DB8:0::2]",
        "app://friend",
    )
} - {None}


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        (None, "chat.example", True),
        ("null", "chat.example", True),
        ("http://chat.example", "chat.example", True),
        ("https://chat.example", "chat.example", True),
        ("http://chat.example", "chat.example:80", True),
        ("https://chat.example", "chat.example:443", True),
        ("http://chat.example:8765", "chat.example:8765", True),
        ("http://CHAT.example", "chat.EXAMPLE", True),
        ("http://[2001:db8::1]:8765", "[2001:db8::1]:8765", True),
        ("http://chat.example", "chat.example:8765", False),
        ("https://chat.example", "chat.example:80", False),
        ("http://evil.example", "chat.example", False),
        ("http://chat.example.evil.example", "chat.example", False),
        ("http://chat.example", None, False),
        ("http://localhost", "chat.example", True),
        ("http://localhost:3000", "chat.example", True),
        ("https://127.0.0.1:1", "chat.example", True),
        ("http://127.9.9.9", "chat.example", True),
        ("http://[::1]:5173", "chat.example", True),
        ("http://localhost.evil.example", "chat.example", False),
        ("http://127.0.0.1.evil.example", "chat.example", False),
        ("http://128.0.0.1", "chat.example", False),
        ("http://localhost@evil.example", "chat.example", False),
        ("http://chat.example@chat.example", "chat.example", False),
        ("http://chat.example/", "chat.example", False),
        ("file://chat.example", "chat.example", False),
        ("chrome-extension://abc", "abc", False),
        ("http://", "chat.example", False),
        ("http://", "", False),
        ("http://x:99999", "x:99999", False),
        ("http://chat.example", "chat.example:x", False),
        ("http://[", "chat.example", False),
        ("", "", False),
        ("https://friend.example", "chat.example", True),
        ("HTTPS://Friend.Example", "chat.example", True),
        ("https://friend.example:443", "chat.example", True),
        ("https://friend.example.", "chat.example", True),
        ("http://friend.example", "chat.example", False),
        ("https://friend.example:444", "chat.example", False),
        ("https://xn--mller-kva.example", "chat.example", True),
        ("https://xn--strae-oqa.example", "chat.example", True),
        ("http://[2001:db8::2]", "chat.example", True),
        ("app://friend", "chat.example", True),
        ("http://chat.example.", "chat.example", True),
        ("http://chat.example", "Chat.Example.:80", True),
        ("http://xn--mller-kva.test", "müller.test", True),
        ("http://" + "x" * 300, "x" * 300, False),
        ("http://chat.example\t", "chat.example", False),
    ],
)
def test_origins(origin: str | None, host: str | None, allowed: bool) -> None:
    """No origin, `null`, the request's own host, this machine, and the origins of --origin."""
    assert is_origin_allowed(origin, host, FRIENDS) is allowed


@pytest.mark.parametrize(
    "text",
    [
        "https://x",
        "https://x:443",
        "HTTPS://X:443",
        "https://x.",
        "https://X.:443",
        "https://Ｘ",
    ],
)
def test_spellings_of_an_origin(text: str) -> None:
    """All are one."""
    assert parse_origin(text) == Origin("https", "x", 443)


@pytest.mark.parametrize(
    "text", ["", "null", "x", "https://", "https://x/", "https://x?", "https://a@x", "https://x:y", "https://["]
)
def test_no_origin(text: str) -> None:
    """Scheme, host and port, and nothing else."""
    assert parse_origin(text) is None


@pytest.mark.parametrize("host", ["ä" * 16_000, "ä." * 8_000, "a" * 16_000])
def test_a_long_host_costs_little(host: str) -> None:
    """Under 5 ms of this thread, though converting a name is slow."""
    assert cost(lambda: is_origin_allowed(f"http://{host}", host, ()), 0.005) < 0.005
    assert not is_origin_allowed(f"http://{host}", host, ())
