"""Where a person types: the input line, its keys and its completion."""

from collections.abc import Callable, Iterable

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import InMemoryHistory

from cli_client.chat.book import Book
from cli_client.chat.commands import TABLE
from cli_client.library.text import sendable
from tcp_server.protocol.names import fold

INPUT_ROWS_MAX = 6  # a longer text scrolls within them


class ChatCompleter(Completer):
    """Completes commands, nicknames and rooms."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Yield what the word before the cursor may become."""
        text = document.text_before_cursor
        word = text.split("\n")[-1].split(" ")[-1]
        if text.startswith("/") and word == text:
            yield from self._commands(word[1:])
        elif word.startswith("#"):
            yield from self._matching(word, self._rooms(), "")
        elif text.startswith(("/j", "/s", "/leave ", "/part ", "/users ")) and text.count(" ") == 1:
            yield from self._matching(word, [room[1:] for room in self._rooms()], "")
            yield from self._matching(word, self._people(), "")
        elif word:
            yield from self._matching(word, self._people(), ": " if word == text else " ")

    def _commands(self, begun: str) -> Iterable[Completion]:
        for command in TABLE:
            if command.name.startswith(begun.lower()):
                text = f"/{command.name} " if command.usage else f"/{command.name}"
                meta = f"{command.usage}: {command.help}" if command.usage else command.help
                yield Completion(text, -len(begun) - 1, display=f"/{command.name}", display_meta=meta)

    def _matching(self, word: str, names: Iterable[str], after: str) -> Iterable[Completion]:
        sign = word[:1] if word[:1] in "#@" and not word.startswith("#") else ""
        begun = fold(word.removeprefix(sign))
        for name in sorted(names, key=fold):
            if fold(name).startswith(begun):
                yield Completion(f"{sign}{name}{after}", -len(word), display=name)

    def _rooms(self) -> list[str]:
        return [target for target in self._book.targets() if target.startswith("#")]

    def _people(self) -> list[str]:
        """Return who may be meant: members, who spoke, and with whom we talk."""
        view = self._book.current
        people = dict(view.roster.users)
        people.update({fold(line.nickname): line.nickname for line in view.lines[-500:] if line.nickname})
        people.update({fold(t[1:]): t[1:] for t in self._book.targets() if t.startswith("@")})
        people.pop(fold(self._book.nickname), None)
        return list(people.values())


def make_buffer(book: Book, typed: Callable[[str], None], touched: Callable[[], None]) -> Buffer:
    """Return the input line. `typed` gets each text that was entered, `touched` is told of each change."""

    def accept(buffer: Buffer) -> bool:
        text = sendable(buffer.text).rstrip("\n")  # the last of what is pasted
        if text.strip():
            typed(text)
        return False  # the line is empty again

    return Buffer(
        completer=ChatCompleter(book),
        complete_while_typing=False,
        history=InMemoryHistory(),
        multiline=True,
        accept_handler=accept,
        on_text_changed=lambda _: touched(),
    )
