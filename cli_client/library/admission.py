"""The first answer to a client's NICK, which `connect` waits for."""

import asyncio


class Admission:
    """Whether the server has let the user in: not asked yet, asked, let in or failed.

    Call `ask` and `wait`, then `let_in` or `fail`; only the first of these calls counts.
    """

    def __init__(self) -> None:
        self._answer: asyncio.Future[None] | None = None

    @property
    def has_failed(self) -> bool:
        """Whether the user will never be let in: `wait` has raised, or nobody waits."""
        answer = self._answer
        return answer is None or answer.cancelled() or (answer.done() and answer.exception() is not None)

    def ask(self) -> None:
        """Begin to wait for the answer."""
        self._answer = asyncio.get_running_loop().create_future()

    async def wait(self) -> None:
        """Return once the server has let the user in.

        Raises:
            ClientError: it did not, or can't be reached.
        """
        assert self._answer is not None, "ask first"
        await self._answer

    def let_in(self) -> None:
        """Note that the server has let the user in."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(None)

    def fail(self, error: BaseException) -> None:
        """Note that the server has refused, or can't be reached."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
