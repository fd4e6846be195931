"""What the client library raises about the chat."""


class ClientError(Exception):
    """Anything that this library raises about the chat."""


class Unreachable(ClientError):
    """No chat server answers at this address."""


class NotAdmitted(ClientError):
    """The server did not let the nickname in.

    Attributes:
        nickname: the nickname that the client asked for.
        reason: taken, invalid, reserved, registered or password (PROTOCOL.md section 3), or an error code.
    """

    def __init__(self, nickname: str, reason: str, text: str) -> None:
        super().__init__(text)
        self.nickname = nickname
        self.reason = reason


class RequestError(ClientError):
    """The server answered a request, or a message, with an error.

    Attributes:
        code: the ERROR's code or RETRY's reason.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class ConnectionLost(ClientError):
    """The connection ended before the answer came, or the client was closed."""
