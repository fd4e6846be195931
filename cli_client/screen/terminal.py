"""The full terminal: messages above, a line of status, the prompt at the bottom.

Owns the screen and its keys. Lines that the person enters go to the conductor; each redraw reads the book and the
client's status, at most every `REDRAW_SECONDS`.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Sequence
from typing import assert_never

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout import (
    BufferControl,
    Dimension,
    Float,
    FormattedTextControl,
    HSplit,
    Layout,
    Window,
)
from prompt_toolkit.layout.menus import CompletionsMenu
from prompt_toolkit.output import Output
from prompt_toolkit.styles import Style

from cli_client.chat.book import HITS_TARGET, Book
from cli_client.chat.effects import FaceEffect, Quit, ScrollUp, Show
from cli_client.chat.face import Conductor, ListAnswer
from cli_client.chat.roster import TYPING_SECONDS
from cli_client.library.client import Client
from cli_client.library.events import Event, Unanswered
from cli_client.screen.colours import colour_depth, described_colours, style_of
from cli_client.screen.prompting import INPUT_ROWS_MAX, Drafts
from cli_client.screen.scrollback import Scrollback
from cli_client.screen.status import input_prompt, status_bar, topic_bar
from cli_client.screen.whole_rows import WholeRows, set_cursor_column
from tcp_server.protocol.server_packets import Typing

REDRAW_SECONDS = 0.05
QUIT_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
LEAVE_SECONDS = 2.0  # between the two Ctrl-C that leave the chat
LEAVE_HINT = "Ctrl-C again leaves the chat"
ESCAPE_SECONDS = 0.05  # Escape counts as a key of its own after this time; Alt-keys arrive at once


class Terminal:
    """One client on one screen. `run` returns the farewell for the server once the person leaves."""

    def __init__(
        self,
        client: Client,
        book: Book,
        conductor: Conductor,
        *,
        screen: Output | None = None,
        keys: Input | None = None,
    ) -> None:
        self._client = client
        self._book = book
        self._conductor = conductor
        self._scrollback = Scrollback(book)
        self._drafts = Drafts(book, self._typed, self._touched)
        self._line = BufferControl(self._drafts.current())
        self._interrupted_at = float("-inf")
        self._input = Window(
            self._line,
            height=Dimension(min=1, max=INPUT_ROWS_MAX),
            wrap_lines=True,
            dont_extend_height=True,
            get_line_prefix=lambda number, wraps: input_prompt(book, number, wraps),
        )
        depth = colour_depth(os.environ, described_colours())
        self.application: Application[str] = Application(
            layout=Layout(self._layout(), focused_element=self._input),
            key_bindings=self._keys(),
            style=Style.from_dict(style_of(depth)),
            full_screen=True,
            min_redraw_interval=REDRAW_SECONDS,
            color_depth=depth,
            output=screen,
            input=keys,
            before_render=lambda _: self._take_line(),
            after_render=lambda _: self._rendered(),
        )
        conductor.attach(self)
        self.application.ttimeoutlen = ESCAPE_SECONDS
        self.application.timeoutlen = ESCAPE_SECONDS

    async def run(self) -> str:
        """Show the chat until the person quits or the server sends us away; return the farewell."""
        loop = asyncio.get_running_loop()
        heard = [number for number in QUIT_SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        for number in heard:  # else the screen would be left as it is
            loop.add_signal_handler(number, self._quit, "")
        loop.add_signal_handler(signal.SIGCONT, self._continue)
        pump = asyncio.create_task(self._pump())
        try:
            return await self.application.run_async()
        except (EOFError, OSError):  # the terminal itself is gone: its window was closed
            return ""
        finally:
            for number in (*heard, signal.SIGCONT):
                loop.remove_signal_handler(number)
            self._conductor.stop()
            pump.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await pump

    def _continue(self) -> None:
        """Take the screen back after a stop: meanwhile the shell has written on it and set the terminal's modes."""
        if self.application.is_running and not self.application.is_done:
            self.application.input.raw_mode().__enter__()  # the application's own leaves it at the end
            self.application.renderer.reset()
            self.application.invalidate()
        self._client.check_now()

    async def _pump(self) -> None:
        """Take events; a bug in their handling ends the program instead of freezing the screen."""
        try:
            async for _ in self._conductor.events():
                pass  # the screen shows everything when it is drawn
        except Exception as error:
            self.application.exit(exception=error)

    # -- the face --------------------------------------------------------------------------------

    def received(self, packet: Event | ListAnswer, body: bytes) -> None:
        """Have the screen drawn again when somebody no longer counts as typing, and each second of a silence."""
        if isinstance(packet, Typing):
            self._draw_in(TYPING_SECONDS)
        elif isinstance(packet, Unanswered):
            self._draw_in(0)

    def _draw_in(self, seconds: float) -> None:
        asyncio.get_running_loop().call_later(seconds, self.application.invalidate)

    def changed(self, effects: Sequence[FaceEffect]) -> None:
        """Have the screen drawn again; scroll or quit if a command says so."""
        self._take_line()
        self.application.invalidate()
        for effect in effects:
            match effect:
                case ScrollUp():
                    self._page_up()
                case Quit(message):
                    self._quit(message)
                case Show():
                    pass  # the line is in its view, and is drawn with it
                case _:
                    assert_never(effect)

    def _page_up(self) -> None:
        self._scrollback.page_up()
        self._look_back()

    def _quit(self, message: str) -> None:
        if self.application.is_running and not self.application.is_done:
            self.application.exit(result=message)

    # -- the screen ------------------------------------------------------------------------------

    def _layout(self) -> WholeRows:
        body = HSplit(
            [
                Window(FormattedTextControl(self._topic), height=1, style="class:top"),
                Window(self._scrollback, wrap_lines=False, always_hide_cursor=True),
                Window(FormattedTextControl(self._status), height=1, style="class:status"),
                self._input,
            ]
        )
        menu = Float(CompletionsMenu(max_height=8), xcursor=True, ycursor=True)
        return WholeRows(body, [menu])

    @property
    def _width(self) -> int:
        return self.application.output.get_size().columns

    def _topic(self) -> StyleAndTextTuples:
        return topic_bar(self._book.current, self._width)

    def _status(self) -> StyleAndTextTuples:
        unanswered = self._client.unanswered
        if unanswered:
            self._draw_in(1)
        return status_bar(
            self._book,
            self._client.status,
            self._client.unsent,
            self._scrollback.below(),
            self._conductor.now(),
            self._width,
            unanswered=unanswered,
            hint=LEAVE_HINT if self._may_leave() else "",
        )

    def _rendered(self) -> None:
        set_cursor_column(self._input)
        self._look_back()

    def _look_back(self) -> None:
        """Fetch older messages while the top of the view is on the screen."""
        if self._scrollback.at_top:
            self._conductor.look_back()

    # -- keys ------------------------------------------------------------------------------------

    def _typed(self, text: str) -> bool:
        self._scrollback.to_end()
        self._book.see_all()
        self._client.reconnect_now()  # the person wants it now
        return self._conductor.typed(text)

    @property
    def _buffer(self) -> Buffer:
        """The input line of the view that the person looks at."""
        return self._drafts.current()

    def _take_line(self) -> None:
        """Put the input line of the view that the person looks at on the screen."""
        buffer = self._buffer
        if self._line.buffer is not buffer:
            self._line.buffer.cancel_completion()
            self._line.buffer = buffer

    def _touched(self) -> None:
        view = self._book.current
        if self._buffer.text and not self._buffer.text.startswith("/") and view.target[0] in "#@":
            self._client.show_typing(view.target)

    def _switch(self, by: int, *, unread: bool = False) -> None:
        self._book.step(by, unread=unread)
        self._take_line()

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()
        move = {
            ("pageup",): self._page_up,
            ("pagedown",): self._scrollback.page_down,
            ("c-up",): lambda: self._scrollback.scroll(1),
            ("c-down",): lambda: self._scrollback.scroll(-1),
            ("c-end",): self._scrollback.to_end,
            ("escape", "up"): lambda: self._switch(-1),
            ("escape", "down"): lambda: self._switch(+1),
            ("escape", "left"): lambda: self._switch(-1),
            ("escape", "right"): lambda: self._switch(+1),
            ("c-n",): lambda: self._switch(+1),
            ("c-p",): lambda: self._switch(-1),
            ("escape", "a"): lambda: self._switch(+1, unread=True),
        }
        for sequence, action in move.items():
            keys.add(*sequence)(lambda _, action=action: action())
        for digit in "123456789":
            keys.add("escape", digit)(lambda event: self._switch_to(event.key_sequence[-1].data))
        keys.add("enter")(lambda event: event.current_buffer.validate_and_handle())
        keys.add("escape", "enter")(lambda event: event.current_buffer.newline(copy_margin=False))
        keys.add("tab")(_complete)
        keys.add("s-tab")(lambda event: event.current_buffer.complete_previous())
        keys.add("escape")(lambda _: self._escape())
        keys.add("c-l")(lambda event: event.app.renderer.clear())
        keys.add("c-z")(lambda event: event.app.suspend_to_background())
        keys.add("c-c")(lambda _: self._interrupt())
        keys.add("<sigint>")(lambda _: self._interrupt())
        # The report of a mouse, which was never asked for, begins like the code of a colour: a paste holds those.
        keys.add(Keys.Vt100MouseEvent)(lambda _: None)
        keys.add("c-d")(lambda event: self._end(event))
        return keys

    def _switch_to(self, digit: str) -> None:
        targets = self._book.targets()
        if 0 < int(digit) <= len(targets):
            self._book.switch(targets[int(digit) - 1])
            self._take_line()

    def _escape(self) -> None:
        """Close the completion menu, else leave the list of hits, else go to the newest line."""
        if self._buffer.complete_state is not None:
            self._buffer.cancel_completion()
        elif self._book.current.target == HITS_TARGET:
            self._book.close(HITS_TARGET)
        else:
            self._scrollback.to_end()

    def _interrupt(self) -> None:
        """Ctrl-C empties the line, as in a shell; twice on an empty one it ends the program."""
        if self._buffer.text:
            self._buffer.reset()
        elif self._may_leave():
            self._quit("")
        else:
            self._interrupted_at = asyncio.get_running_loop().time()
            self._draw_in(LEAVE_SECONDS)

    def _may_leave(self) -> bool:
        """Say whether Ctrl-C on an empty line was pressed a moment ago."""
        return asyncio.get_running_loop().time() < self._interrupted_at + LEAVE_SECONDS

    def _end(self, event: KeyPressEvent) -> None:
        if self._buffer.text:
            event.current_buffer.delete()
        else:
            self._quit("")


def _complete(event: KeyPressEvent) -> None:
    buffer = event.current_buffer
    if buffer.complete_state is not None:
        buffer.complete_next()
    else:
        buffer.start_completion(insert_common_part=True)
