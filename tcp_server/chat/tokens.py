"""The token that opens a user again: signed, and no state of the server's (PROTOCOL.md section 5)."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256

KEY_BYTES = 32


def issue(key: bytes, uid: int, nickname: str, timestamp: str) -> str:
    """Return a token that names the user, its nickname and the date of issue."""
    claim = f"{uid} {timestamp} {nickname}".encode()
    return f"{_text(claim)}.{_text(_sign(key, claim))}"


def verify(key: bytes, token: str) -> int | None:
    """Return the uid that the token names, or None if this key didn't sign it."""
    try:
        claim, signature = (urlsafe_b64decode(part + "==") for part in token.split("."))
    except ValueError:
        return None
    if not hmac.compare_digest(signature, _sign(key, claim)):
        return None
    return int(claim.split(b" ", 1)[0])


def _sign(key: bytes, claim: bytes) -> bytes:
    return hmac.digest(key, claim, sha256)


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
