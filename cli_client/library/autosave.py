"""Keeps a client's memory on disk: at once where something would be lost, else now and then."""

import asyncio
import logging
from collections.abc import Callable

from cli_client.library.memory import Memory
from cli_client.library.store import Store

SAVE_SECONDS = 0.25  # between two saves of the cursor

logger = logging.getLogger(__name__)


class Keeper:
    """Saves what `remember` returns in a store; without one it does nothing.

    Call `save` before anything is promised, `save_soon` after what a repeat would cost little.
    """

    def __init__(self, store: Store | None, remember: Callable[[], Memory]) -> None:
        self._store = store
        self._remember = remember
        self._timer: asyncio.TimerHandle | None = None
        self.is_kept = store is not None

    def load(self) -> Memory | None:
        """Return what an earlier process saved."""
        return self._store.load() if self._store is not None else None

    def save(self) -> None:
        """Save now. A full disk here is no reason to stop the chat, so it is only logged."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        memory = self._remember()
        if self._store is None or (memory.token is None and not memory.outgoing):
            return  # nobody was ever let in under this name
        try:
            self._store.save(memory)
        except OSError as error:
            logger.warning("can't save what is unsent: %s", error)

    def save_soon(self) -> None:
        """Save within `SAVE_SECONDS`."""
        if self._store is not None and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SAVE_SECONDS, self.save)

    def renamed(self, nickname: str) -> None:
        """Keep it under another nickname from now on."""
        if self._store is not None:
            self._store = self._store.renamed(nickname)

    def close(self) -> None:
        """Save for the last time and let another client have the store."""
        self.save()
        if self._store is not None:
            self._store.close()
            self._store = None
