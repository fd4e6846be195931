"""Keeps a client's memory on disk: at once where something would be lost, else now and then."""

import asyncio
import logging

from cli_client.library.inbox import Inbox
from cli_client.library.memory import Memory
from cli_client.library.resume import ResumingSession
from cli_client.library.store import Store

SAVE_SECONDS = 0.25  # between two saves of the cursor

logger = logging.getLogger(__name__)


class Autosave:
    """Saves a session's memory in a store; without a store it does nothing.

    Call `save` before anything is promised, and `save_soon` after a change whose loss would only cost a repetition.
    """

    def __init__(self, store: Store | None, session: ResumingSession, inbox: Inbox) -> None:
        self._store = store
        self._session = session
        self._inbox = inbox
        self._timer: asyncio.TimerHandle | None = None
        self.is_kept = store is not None
        memory = store.load() if store is not None else None
        if memory is not None:
            session.restore(memory)

    def save(self) -> None:
        """Save now. A full disk here is no reason to stop the chat, so it is only logged."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        memory = self._memory()
        if self._store is None or (memory.token is None and not memory.outgoing):
            return  # nobody was ever let in under this name
        try:
            self._store.save(memory)
        except OSError as error:
            logger.warning("can't save the unsent messages: %s", error)

    def save_soon(self) -> None:
        """Save within `SAVE_SECONDS`."""
        if self._store is not None and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SAVE_SECONDS, self.save)

    def renamed(self, nickname: str) -> None:
        """Keep the memory under another nickname from now on."""
        if self._store is not None:
            self._store = self._store.renamed(nickname)

    def close(self) -> None:
        """Save for the last time and let another client have the store."""
        self.save()
        if self._store is not None:
            self._store.close()
            self._store = None

    def _memory(self) -> Memory:
        """Return the memory for the next process, which gets every event again that nobody has taken from the inbox."""
        memory = self._session.remember()
        unread_from = self._inbox.unread_from
        if unread_from is not None:
            memory.epoch, memory.after = unread_from
        return memory
