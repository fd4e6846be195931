"""What the screen shows: rows, bars, the scroll position, and completion."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.utils import get_cwidth

from cli_client.chat.lines import Fate, Kind, Line
from cli_client.chat.session import ChatSession
from cli_client.library.connect import ConnectionState, ConnectionStatus
from cli_client.screen.paint import NICK_COLOURS, Columns, Row, day_row, nick_style, paint, rule_row
from cli_client.screen.prompting import ChatCompleter, make_buffer
from cli_client.screen.scrollback import Scrollback
from cli_client.screen.status import input_prompt, status_bar, topic_bar
from tcp_server.protocol import server_packets
from tests.cli_client.scripted_server import NOON, msg

NOW = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)


def text(row: Row) -> str:
    return "".join(part for _, part in row)


def rows(line: Line, width: int = 80) -> list[str]:
    return [text(row).rstrip() for row in paint(line, Columns(width), "alice")]


def style_of(line: Line, part: str, width: int = 80) -> str:
    """Return the style of a part of the painted line."""
    for row in paint(line, Columns(width), "alice"):
        for style, piece in row:
            if part in piece:
                return style
    raise AssertionError(f"{part!r} is not in {rows(line)}")


def said(body: str, kind: Kind = Kind.MESSAGE, nickname: str = "bob", **fields: object) -> Line:
    return Line(kind, body, NOW, nickname, **fields)


# -- lines -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (80, ["12:30          bob │ hello"]),
        (50, ["12:30 bob hello"]),
        (30, ["bob hello"]),
    ],
)
def test_a_message_has_time_and_name(width: int, shown: list[str]) -> None:
    """Columns on a wide screen, a sentence on a narrow one, no time on the narrowest."""
    assert rows(said("hello"), width) == shown


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (said("waves", Kind.ACTION), "12:30            * │ bob waves"),
        (said("joined", Kind.JOIN), "12:30            → │ bob joined"),
        (said("quit", Kind.LEAVE), "12:30            ← │ bob quit"),
        (said("is now rob", Kind.NICK), "12:30            · │ bob is now rob"),
        (said("going down", Kind.NOTICE, ""), "12:30            ! │ going down"),
        (said("no", Kind.ERROR, ""), "12:30            × │ no"),
        (said("yes", Kind.INFO, ""), "12:30              │ yes"),
        (said("a word", Kind.HIT, number=3, target="#dev"), "12:30            3 │ 2026-11-22 #dev bob: a word"),
        (said("hi", nickname="b" * 32), f"12:30 {'b' * 11}… │ hi"),
        (said("hi", nickname="日本"), "12:30         日本 │ hi"),
        (said("a\tb"), "12:30          bob │ a    b"),
        (said("\x1b]0;evil\x07"), "12:30          bob │ ␛]0;evil␇"),
    ],
)
def test_each_kind_has_its_sign(line: Line, shown: str) -> None:
    """One look tells a message from a join, a notice or a mistake; nothing raw gets through."""
    assert rows(line) == [shown]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (said("waves", Kind.ACTION), "12:30 * bob waves"),
        (said("joined", Kind.JOIN), "12:30 → bob joined"),
        (said("yes", Kind.INFO, ""), "12:30 yes"),
        (said("a word", Kind.HIT, number=3, target="@bob"), "12:30 3 2026-11-22 @bob bob: a word"),
    ],
)
def test_narrow_screens_keep_the_sign(line: Line, shown: str) -> None:
    """In front of the sentence instead of in a column."""
    assert rows(line, 50) == [shown]


def test_long_and_many_lined_messages_keep_their_column() -> None:
    """Newlines begin a row, full rows are cut at words, all under the first."""
    assert rows(said("one\ntwo\n\n" + "word " * 14)) == [
        "12:30          bob │ one",
        "                   │ two",
        "                   │",
        "                   │ " + " ".join(["word"] * 12),
        "                   │ word word",
    ]
    assert rows(said("word " * 12), 50)[1].startswith(" " * 8 + "word")


def test_a_table_of_the_clients_keeps_its_columns() -> None:
    """A long help text goes on under itself, not under the command."""
    shown = rows(said("/command ARGUMENT   " + "explanation " * 6, Kind.INFO, ""))
    assert shown[1].index("explanation") == shown[0].index("explanation")


@settings(max_examples=60)
@given(
    st.text(st.characters(categories=("L", "M", "N", "P", "Z", "S", "C")), max_size=120),
    st.sampled_from([10, 20, 39, 40, 50, 63, 64, 80, 200]),
    st.sampled_from(list(Kind)),
)
def test_no_row_is_wider_than_the_screen(body: str, width: int, kind: Kind) -> None:
    """Whatever is said, in whatever script, on whatever screen."""
    line = said(body, kind, number=1, target="#dev")
    for row in paint(line, Columns(width), "alice"):
        assert get_cwidth(text(row).rstrip()) <= max(width, Columns(width).head_cells + 8)
        assert "\x1b" not in text(row)


def test_fates_are_seen() -> None:
    """Pending, held and failed messages look it, and say what can be done."""
    assert rows(said("hi", fate=Fate.PENDING))[0].endswith("│ hi …")
    assert rows(said("hi", fate=Fate.PENDING, reason="too fast"))[0].endswith("hi … too fast")
    failed = said("hi", fate=Fate.FAILED, reason="forbidden")
    assert rows(failed)[0].endswith("hi × not sent: forbidden; /retry or /drop")
    assert style_of(failed, "hi") == "class:failed"


def test_names_mentions_and_links_stand_out() -> None:
    """A nickname has its colour everywhere, one's own is bold, a mention is loud, a link underlined."""
    assert style_of(said("x"), "bob") == nick_style("BOB")
    assert "bold" in style_of(said("x", nickname="Alice"), "Alice")
    assert "reverse" in style_of(said("alice!", mention=True), "bob")
    assert style_of(said("alice!", mention=True), "alice!") == "class:mention"
    linked = said("see https://example.org/a(b), ok")
    assert style_of(linked, "example") == "class:link"
    assert style_of(linked, ", ok") == ""
    assert len({nick_style(f"user{number}") for number in range(200)}) == len(NICK_COLOURS)


def test_days_are_named() -> None:
    """In the middle, as wide as the screen, cut on a narrow one."""
    row = text(day_row(NOW.date(), Columns(60)))
    assert row.strip("─") == " Sunday, 22 November 2026 "
    assert len(row) == 60
    assert get_cwidth(text(rule_row("a very long text", Columns(8)))) == 8


# -- scrolling -------------------------------------------------------------------------------------


class Screen:
    """A scrollback of a given size over one view."""

    def __init__(self, number: int, height: int = 5, width: int = 80) -> None:
        book = ChatSession("alice", NOW).book
        self.view = book.open("#lobby")
        book.switch("#lobby")
        for n in range(1, number + 1):
            self.view.append(Line(Kind.MESSAGE, f"m{n}", NOW, "bob", n))
        self.back = Scrollback(book)
        self.height, self.width = height, width

    def see(self) -> list[str]:
        content = self.back.create_content(self.width, self.height)
        assert content.line_count == self.height
        shown = ["".join(part[1] for part in content.get_line(n)) for n in range(self.height)]
        return [row.rpartition("│ ")[2] if "│" in row else row.strip("─ ") for row in shown]


def test_the_end_is_at_the_bottom() -> None:
    """Few lines stand above the prompt, many show their end."""
    assert Screen(1).see() == ["", "", "the beginning of #lobby", "Sunday, 22 November 2026", "m1"]
    assert Screen(9).see() == ["m5", "m6", "m7", "m8", "m9"]
    assert Screen(0).see() == ["", "", "", "", "the beginning of #lobby"]


def test_pages_overlap_by_a_row_and_stop_at_both_ends() -> None:
    """PageUp to the top and PageDown to the end; there what comes is followed again."""
    screen = Screen(12)
    screen.see()
    screen.back.page_up()
    assert screen.see() == ["m4", "m5", "m6", "m7", "m8"]
    assert screen.back.below() == 4
    for _ in range(5):
        screen.back.page_up()
    assert screen.see() == ["the beginning of #lobby", "Sunday, 22 November 2026", "m1", "m2", "m3"]
    assert screen.back.at_top
    screen.back.page_down()
    assert screen.see()[-1] == "m7"
    for _ in range(3):
        screen.back.page_down()
    assert screen.see()[-1] == "m12"
    assert screen.view.attention.anchor is None
    screen.back.page_down()
    assert screen.see()[-1] == "m12"


def test_nothing_moves_what_is_read() -> None:
    """New messages below and old ones above leave the screen as it is; so does another width."""
    screen = Screen(20)
    screen.view.more = True
    screen.see()
    screen.back.page_up()
    seen = screen.see()
    screen.view.append(Line(Kind.MESSAGE, "new", NOW, "bob", 99))
    assert screen.see() == seen
    assert screen.back.below() == 5
    for _ in range(6):
        screen.back.page_up()
    seen = screen.see()
    assert screen.back.at_top
    assert seen[0] == "looking for more …"
    older = NOW - timedelta(minutes=1)
    screen.view.lines[0].id = 50
    screen.view.prepend([Line(Kind.MESSAGE, f"o{n}", older, "bob", n) for n in range(30, 40)])
    assert [row for row in screen.see() if row.startswith("m")] == seen[2:]
    screen.width = 50
    assert screen.see()[-1].endswith("m3")
    screen.back.to_end()
    assert screen.see()[-1].endswith("new")


def test_a_message_longer_than_the_screen_is_scrolled_by_rows() -> None:
    """Every row of it can be seen."""
    screen = Screen(2)
    screen.view.append(Line(Kind.MESSAGE, "\n".join(f"r{n}" for n in range(12)), NOW, "bob", 3))
    assert screen.see() == ["r7", "r8", "r9", "r10", "r11"]
    screen.back.scroll(3)
    assert screen.see() == ["r4", "r5", "r6", "r7", "r8"]
    screen.back.scroll(-1)
    assert screen.see()[-1] == "r9"
    screen.back.page_up()
    screen.back.page_up()
    assert screen.see() == ["Sunday, 22 November 2026", "m1", "m2", "r0", "r1"]
    screen.back.scroll(-100)
    assert screen.see()[-1] == "r11"


def test_a_day_begins_with_its_name() -> None:
    """Between the messages of two days."""
    screen = Screen(1, height=3)
    screen.view.append(Line(Kind.MESSAGE, "next", NOW + timedelta(days=1), "bob", 2))
    assert screen.see() == ["m1", "Monday, 23 November 2026", "next"]


def test_what_is_new_has_a_rule_above_it() -> None:
    """And none once it has been seen."""
    screen = Screen(3, height=3)
    screen.view.attention.marker = screen.view.lines[1]
    assert screen.see() == ["m2", "new", "m3"]
    screen.view.attention.marker = None
    assert screen.see() == ["m1", "m2", "m3"]


def test_a_view_that_is_no_room_has_no_beginning() -> None:
    """Hits and the client's words just begin."""
    screen = Screen(0)
    screen.view.target = "?"
    assert screen.see() == [""] * 5
    screen.back.page_up()
    assert screen.view.attention.anchor is None


def test_paint_is_kept_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache of painted lines is emptied when it is full."""
    monkeypatch.setattr("cli_client.screen.scrollback.CACHE_MAX", 2)
    screen = Screen(9)
    screen.see()
    assert len(screen.back._painted) <= 3


# -- bars ------------------------------------------------------------------------------------------


@pytest.fixture
def session() -> ChatSession:
    made = ChatSession("alice", NOW)
    made.received(server_packets.Ready(nickname="alice", rooms=["lobby", "dev"]), NOW)
    users = ["alice", "bob", "Bert", "carol"]
    made.received(server_packets.Room(room="lobby", count=4, topic="the\ttopic", users=users, id=0), NOW)
    return made


def test_the_bar_says_how_the_link_is(session: ChatSession) -> None:
    """Live, reconnecting since when and with how much unsent, or offline and why."""
    live = ConnectionStatus(ConnectionState.LIVE)
    assert text(status_bar(session.book, live, 0, 0, NOW, 80)) == " ● live │ alice │ 4 members"
    assert text(status_bar(session.book, live, 2, 7, NOW, 80)) == " ● live, 2 unsent │ alice │ 4 members │ ↓ 7 more"
    lost = ConnectionStatus(ConnectionState.RECONNECTING, "reset", NOW)
    assert text(status_bar(session.book, lost, 3, 0, NOW, 80)).startswith(" ○ reconnecting since 12:30:00, 3 unsent │")
    gone = ConnectionStatus(ConnectionState.OFFLINE, "kicked\x1b", NOW)
    assert text(status_bar(session.book, gone, 0, 0, NOW, 80)).startswith(" × offline: kicked␛ │")
    assert text(status_bar(session.book, lost, 3, 0, NOW, 30)) == " ○ reconnecting since 12:30:0…"


def test_the_bar_says_what_is_unread_and_who_types(session: ChatSession) -> None:
    """With the number that leads there, and a mark where one was named."""
    session.received(msg(1, "alice?", room="dev"), NOW)
    session.received(msg(2, "hi", room="dev"), NOW)
    session.received(server_packets.Typing(room="lobby", nickname="bob"), NOW)
    bar = text(status_bar(session.book, ConnectionStatus(ConnectionState.LIVE), 0, 0, NOW, 80))
    assert bar.endswith("│ 2:#dev +2! │ bob typing …")


def test_the_top_bar_and_the_prompt_say_where_we_are(session: ChatSession) -> None:
    """Room and topic above, the room before what is typed, and further rows below it."""
    assert text(topic_bar(session.book.current, 80)) == " #lobby │ the topic"
    assert text(topic_bar(session.book.current, 10)) == " #lobby │…"
    session.book.current.roster.topic = "❤️ of 🇩🇪"
    assert text(topic_bar(session.book.current, 80)) == " #lobby │ ❤ of DE"
    assert text(input_prompt(session.book, 0, 0)) == "#lobby› "
    assert text(input_prompt(session.book, 1, 0)) == text(input_prompt(session.book, 0, 1)) == " " * 8
    session.book.open("?")
    session.book.switch("?")
    assert text(topic_bar(session.book.current, 80)) == " search"
    assert text(input_prompt(session.book, 0, 0)) == "hit› "


# -- completion ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("/he", ["/help "]),
        ("/roo", ["/rooms"]),
        ("b", ["Bert: ", "bob: "]),
        ("hi BO", ["bob "]),
        ("hi @bo", ["@bob "]),
        ("see #d", ["#dev"]),
        ("/join d", ["dev"]),
        ("/switch b", ["Bert", "bob"]),
        ("/msg c", ["carol "]),
        ("ali", []),
        ("", []),
        ("hi ", []),
    ],
)
def test_words_are_completed(session: ChatSession, typed: str, completed: list[str]) -> None:
    """Commands, rooms and people; a nickname at the beginning addresses somebody; oneself is left out."""
    completions = ChatCompleter(session.book).get_completions(Document(typed), CompleteEvent())
    assert [completion.text for completion in completions] == completed


def test_people_are_who_spoke_or_talks_with_us(session: ChatSession) -> None:
    """A room that doesn't list its members knows those who said something."""
    session.received(msg(1, nickname="zoe"), NOW)
    session.received(msg(2, nickname="zack", to="alice"), NOW)
    completions = ChatCompleter(session.book).get_completions(Document("z"), CompleteEvent())
    assert [completion.text for completion in completions] == ["zack: ", "zoe: "]


def test_the_input_line_gives_what_was_typed(session: ChatSession) -> None:
    """Whole, cleaned, and never empty."""
    typed: list[str] = []
    touched: list[None] = []
    buffer = make_buffer(session.book, typed.append, lambda: touched.append(None))
    for entered in ("two\r\nlines\x1b\n", "   "):
        buffer.text = entered
        buffer.validate_and_handle()
    assert typed == ["two\nlines␛"]
    assert touched
    assert NOON
