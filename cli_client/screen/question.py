"""Questions to the person before the screen is opened."""

import sys

from prompt_toolkit import PromptSession

from tcp_server.protocol import names


async def ask_nickname() -> str:
    """Ask for a nickname until one is valid.

    Raises:
        EOFError, KeyboardInterrupt: the person gave none.
    """
    while True:
        nickname = (await _ask("Another nickname: ")).strip()
        try:
            names.nickname_key(nickname)
        except names.NameFault as fault:
            print(f"wordpacket: a nickname {fault}", file=sys.stderr)
        else:
            return nickname


async def ask_password(owner: str) -> str:
    """Ask for the password of a nickname or of the server, without showing it.

    Raises:
        EOFError, KeyboardInterrupt: the person gave none.
    """
    return await _ask(f"Password of {owner}: ", hidden=True)


async def _ask(question: str, *, hidden: bool = False) -> str:
    prompt: PromptSession[str] = PromptSession()
    return await prompt.prompt_async(question, is_password=hidden)
