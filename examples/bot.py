"""A bot in ten lines: it answers "!echo something" wherever it hears it. Run: python examples/bot.py [PORT]"""

import asyncio
import contextlib
import sys

from cli_client import Client


async def main(port: int = 9000) -> None:
    async with Client("127.0.0.1", port, nickname="echo-bot", rooms=["lobby"]) as chat:
        async for message in chat.messages():
            if message.message.startswith("!echo "):
                chat.reply(message, f"{message.nickname} said: {message.message[6:]}")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C: the bot has said goodbye
        asyncio.run(main(*map(int, sys.argv[1:])))
