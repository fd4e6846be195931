"""The client library: one user of the chat, for bots and scripts. The terminal client is built on it too.

    import asyncio
    from cli_client import Client

    async def main() -> None:
        async with Client("127.0.0.1", 9000, nickname="echo-bot", rooms=["lobby"]) as chat:
            async for message in chat.messages():
                chat.reply(message, f"{message.nickname} said: {message.message}")

    asyncio.run(main())

`Client.messages` yields the messages of others; `Client.events` yields every `Event`, to be told apart by its class.
`Client.send` never waits: its `Outgoing` tells whether the message is in the log, and `Client.sent` waits for that.
`Client.requests` has history, search and the other requests of the protocol. With a `Store`, unsent messages and the
place in the log outlive the process.
"""

from cli_client.library.client import Client
from cli_client.library.connect import ConnectionState, ConnectionStatus
from cli_client.library.errors import ClientError, ConnectionLost, NotAdmitted, RequestError, Unreachable
from cli_client.library.events import Event, Failed, Live, Lost, NotLetIn, Postponed, Sent, Unanswered
from cli_client.library.outbox import Outgoing, OutgoingState
from cli_client.library.requests import Requests
from cli_client.library.store import Store, StoreBusy
from tcp_server.protocol.server_packets import Error, Gap, Join, Leave, Nick, Notice, Ready, RoomState, Topic, Typing
from tcp_server.protocol.server_packets import Msg as Message

__all__ = [
    "Client",
    "ClientError",
    "ConnectionLost",
    "ConnectionState",
    "ConnectionStatus",
    "Error",
    "Event",
    "Failed",
    "Gap",
    "Join",
    "Leave",
    "Live",
    "Lost",
    "Message",
    "Nick",
    "NotAdmitted",
    "NotLetIn",
    "Notice",
    "Outgoing",
    "OutgoingState",
    "Postponed",
    "Ready",
    "RequestError",
    "Requests",
    "RoomState",
    "Sent",
    "Store",
    "StoreBusy",
    "Topic",
    "Typing",
    "Unanswered",
    "Unreachable",
]
