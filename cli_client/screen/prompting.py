"""Where a person types: the input line, its keys and its completion."""

from collections.abc import Callable, Iterable

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import InMemoryHistory

from cli_client.chat.book import Book
from cli_client.chat.completion import Known, complete
from cli_client.chat.lines import Kind

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


def make_buffer(book: Book, typed: Callable[[str], bool], touched: Callable[[], None]) -> Buffer:
    """Return the input line.

    `typed` gets each entered text and says whether it was taken; one that was refused stays in the line. `touched`
    is told of each change.
    """

    def accept(buffer: Buffer) -> bool:
        return bool(buffer.text.strip()) and not typed(buffer.text)  # true: the text stays

    return Buffer(
        completer=ChatCompleter(book),
        complete_while_typing=False,
        history=InMemoryHistory(),
        multiline=True,
        accept_handler=accept,
        on_text_changed=lambda _: touched(),
    )
