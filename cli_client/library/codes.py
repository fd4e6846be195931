"""What each BYE, RETRY and ERROR of the server means for a client (PROTOCOL.md sections 3, 4, 8 and 9).

The page's codes.js has the same tables (tests/cases/codes.json).
"""

import enum


class Then(enum.Enum):
    """What follows a BYE or a RETRY."""

    AGAIN = "try again"
    LATER = "try again later"  # at once would be too soon
    ASK = "ask"  # the person has to decide: another nickname, a password
    STOP = "stop"  # the server doesn't want this client back


BYE: dict[str, Then] = {
    "quit": Then.STOP,
    "shutdown": Then.LATER,
    "kicked": Then.STOP,
    "timeout": Then.AGAIN,
    "slow": Then.LATER,
    "flood": Then.LATER,
    "protocol": Then.STOP,  # what was not understood would not be understood the next time
    "forbidden": Then.STOP,
    "banned": Then.STOP,
    "logout": Then.ASK,  # the token is void
    "full": Then.LATER,
}
RETRY: dict[str, Then] = {
    "taken": Then.ASK,
    "invalid": Then.ASK,
    "reserved": Then.ASK,
    "confusable": Then.ASK,
    "guests": Then.ASK,
    "registration": Then.ASK,
    "registered": Then.ASK,
    "password": Then.ASK,
    "banned": Then.STOP,
    "full": Then.LATER,
}
# The ERRORs after which a message is sent again by itself: the message is fine. After any other it has failed.
HELD = frozenset({"rate_limited", "log_unavailable", "not_ready"})


def after_bye(reason: str) -> Then:
    """Return what follows a BYE; after one with an unknown reason the client comes back, but not at once."""
    return BYE.get(reason, Then.LATER)


def after_retry(reason: str) -> Then:
    """Return what follows a RETRY; one with an unknown reason is for the person to read."""
    return RETRY.get(reason, Then.ASK)


def is_held(code: str) -> bool:
    """Say whether a message that got this ERROR is sent again by itself."""
    return code in HELD
