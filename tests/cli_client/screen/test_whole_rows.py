"""Rows in scripts about whose width terminals disagree: the screen doesn't depend on what was there before."""

import io
from collections.abc import Callable
from unicodedata import category

import pytest
from prompt_toolkit.application import Application, create_app_session
from prompt_toolkit.application.current import set_app
from prompt_toolkit.data_structures import Size
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.input import DummyInput
from prompt_toolkit.layout import FormattedTextControl, Layout, Window
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.utils import get_cwidth

from cli_client.chat.lines import Kind, Line
from cli_client.screen.paint import Columns, paint
from cli_client.screen.whole_rows import WholeRows, is_disputed, set_cursor_column
from tests.cli_client.grid import Grid
from tests.cli_client.screen.rows import NOW

COLUMNS, ROWS = 80, 4
SCRIPTS = {
    "Devanagari": "नमस्ते कि की",
    "Tamil": "வணக்கம் கொ",
    "Bengali": "ওহে বিশ্ব কো",
    "Gurmukhi": "ਸਤ ਸ੍ਰੀ ਕਿ",
    "Gujarati": "નમસ્તે કિ",
    "Odia": "ନମସ୍କାର କୋ",
    "Telugu": "నమస్కారం కూ",
    "Kannada": "ನಮಸ್ಕಾರ ಕೋ",
    "Malayalam": "നമസ്കാരം കൊ",
    "Sinhala": "හෙලෝ කො",
    "Thai": "สวัสดี น้ำ",
    "Lao": "ສະບາຍດີ ນ້ຳ",
    "Tibetan": "བཀྲ་ཤིས",
    "Burmese": "မင်္ဂလာပါ",
    "Khmer": "សួស្តី កើ",
    "Balinese": "ᬒᬁᬲ᭄ᬯᬲ᭄ᬢ",
    "Arabic": "مَرْحَبًا",
    "Hebrew": "שָׁלוֹם",
    "Korean": "한글",
    "Vietnamese": "Vie\u0323\u0302t",
    "emoji": "🫩 ok",
    "Japanese": "か\u3099行",
}
TERMINALS: dict[str, Callable[[str], int]] = {
    "that counts as we do": get_cwidth,
    "with cells for spacing marks": lambda character: 1 if category(character) == "Mc" else get_cwidth(character),
    "with cells for all marks": lambda character: max(get_cwidth(character), 1),
    "with narrow emojis": lambda character: 1 if ord(character) > 0xFFFF else get_cwidth(character),
}


class Painter:
    """A screen that is drawn again and again, and its terminal."""

    def __init__(self, width_of: Callable[[str], int]) -> None:
        self._written = io.StringIO()
        self._grid = Grid(COLUMNS, ROWS, width_of)
        self._rows: list[StyleAndTextTuples] = []
        output = Vt100_Output(self._written, lambda: Size(rows=ROWS, columns=COLUMNS))
        root = WholeRows(Window(FormattedTextControl(self._text), wrap_lines=False), [])
        with create_app_session(input=DummyInput(), output=output):
            self._app: Application[None] = Application(Layout(root), full_screen=True)

    def _text(self) -> StyleAndTextTuples:
        return [part for row in self._rows for part in (*row, ("", "\n"))]

    def draw(self, *lines: Line) -> str:
        """Draw these lines over what is there, and return what the screen shows."""
        self._rows = [row for line in lines for row in paint(line, Columns(COLUMNS), "alice")]
        self._app.render_counter += 1  # as the application does itself where it runs
        with set_app(self._app):
            self._app.renderer.render(self._app, self._app.layout)
            set_cursor_column(self._app.layout.current_window)
        self._grid.feed(self._written.getvalue().encode())
        self._written.seek(0)
        self._written.truncate()
        return self._grid.text


def said(text: str, nickname: str = "bob") -> Line:
    return Line(Kind.MESSAGE, text, NOW, nickname)


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("terminal", TERMINALS)
def test_a_row_is_what_it_would_be_on_an_empty_screen(script: str, terminal: str) -> None:
    """Whatever was there before, as a message and as a nickname."""
    width_of = TERMINALS[terminal]
    text = SCRIPTS[script]
    name = text.split()[0]
    steps = [
        (said("plain words | all over the row, to its end"),),
        (said(f"{text} | {text} one"),),
        (said(f"{text} | {text} other words"), said("plain")),
        (said("hello", name), said(f"{text} end", name)),
        (said("hallo", name), said(f"plain {text}", name), said("x")),
        (said("plain again"),),
    ]
    painter = Painter(width_of)
    for lines in steps:
        assert painter.draw(*lines) == Painter(width_of).draw(*lines)


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_bar_stands_in_its_column(script: str) -> None:
    """Beside a nickname of any script, on a terminal that gives cells to marks."""
    name = SCRIPTS[script].split()[0]
    shown = Painter(TERMINALS["with cells for spacing marks"]).draw(said("hello", name), said("hello", "bob"))
    with_name, plain = shown.splitlines()[:2]
    assert "│ hello" in with_name
    cells = sum(TERMINALS["with cells for spacing marks"](character) for character in with_name.partition("│")[0])
    assert cells <= plain.index("│")


def test_few_rows_are_disputed() -> None:
    """Letters of Europe, of East Asia and the client's own signs are not: their rows are written by the cell."""
    assert not any(map(is_disputed, "aé─│…×●日한あقש›"))
    assert all(map(is_disputed, ["कि", "\u0940", "🫩", "e\u0301"]))
