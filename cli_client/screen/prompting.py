"""Where a person types: the input line, its keys and its completion."""

from collections.abc import Callable, Iterable

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import InMemoryHistory

from cli_client.chat.book import START_TARGET, Book
from cli_client.chat.completion import Known, complete
from cli_client.chat.lines import Kind
from cli_client.chat.views import View
from cli_client.library.targets import target_key

INPUT_ROWS_MAX = 6  # a longer text scrolls within them
SPOKE_LINES = 200  # of a view's end, searched for who spoke there
SPOKEN = (Kind.MESSAGE, Kind.ACTION)


class ChatCompleter(Completer):
    """Completes commands, nicknames and rooms."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Yield what the word before the cursor may become."""
        before = document.text_before_cursor
        start, proposals = complete(before, known(self._book))
        for proposal in proposals:
            yield Completion(proposal.text, start - len(before), display=proposal.label, display_meta=proposal.detail)


def known(book: Book) -> Known:
    """Return whom and what somebody may mean who types into the present view."""
    view, targets = book.current, book.targets()
    return Known(
        book.nickname,
        rooms=[target[1:] for target in targets if target.startswith("#")],
        spoke=[line.nickname for line in reversed(view.lines[-SPOKE_LINES:]) if line.kind in SPOKEN],
        members=list(view.roster.users.values()),
        directs=[target[1:] for target in targets if target.startswith("@")],
    )


class Drafts:
    """The input lines, one for each view, so that no text follows the person to another room.

    Each has its own cursor and undo; the lines that were entered before are common to all.
    """

    def __init__(self, book: Book, typed: Callable[[str], bool], touched: Callable[[], None]) -> None:
        """Prepare the input lines.

        Args:
            typed: gets each entered text and says whether it was taken; one that was refused stays in the line.
            touched: is told of each change.
        """
        self._book = book
        self._typed = typed
        self._touched = touched
        self._history = InMemoryHistory()
        self._buffers: dict[View, Buffer] = {}
        self._entered: dict[View, int] = {}  # the length of the history that a buffer has loaded

    def current(self) -> Buffer:
        """Return the input line of the view that the person looks at."""
        view = self._book.current
        buffer = self._buffers.get(view)
        if buffer is None or not buffer.text:
            left = self._take_left(view)
            if left is not None and (left.text or buffer is None):
                buffer = self._buffers[view] = left
        if buffer is None:
            buffer = self._buffers[view] = self._make()
        length = len(self._history.get_strings())
        if self._entered.get(view) != length and not buffer.text:
            buffer.reset()  # it loads the history anew
        self._entered[view] = length
        return buffer

    def _take_left(self, view: View) -> Buffer | None:
        """Return what was begun in a view that is closed now: one of the same target, or the first of all."""
        open_views = {*self._book.views, view}
        for closed in [other for other in self._buffers if other not in open_views]:
            if closed.target == START_TARGET or target_key(closed.target) == target_key(view.target):
                self._entered.pop(closed, None)
                return self._buffers.pop(closed)
        return None

    def _make(self) -> Buffer:
        return Buffer(
            completer=ChatCompleter(self._book),
            complete_while_typing=False,
            history=self._history,
            multiline=True,
            accept_handler=self._accept,
            on_text_changed=lambda _: self._touched(),
        )

    def _accept(self, buffer: Buffer) -> bool:
        return bool(buffer.text.strip()) and not self._typed(buffer.text)  # true: the text stays
