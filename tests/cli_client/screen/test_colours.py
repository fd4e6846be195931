"""The colours of a terminal: how many there are, and whether what has them can be read."""

import pytest
from prompt_toolkit.output import ColorDepth

from cli_client.screen.colours import (
    GREY,
    NICK_COLOURS,
    STYLE,
    STYLE_MONOCHROME,
    STYLE_OF_A_THEME,
    colour_depth,
    described_colours,
    style_of,
)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("colour", [*NICK_COLOURS, GREY])
def test_names_and_times_are_readable_on_white_and_on_black(colour: str) -> None:
    """WCAG's 4.5:1 on white; on black a little less, since no saturated colour has both."""
    assert 1.05 / (luminance(colour) + 0.05) >= 4.5
    assert (luminance(colour) + 0.05) / 0.05 >= 3.8


@pytest.mark.parametrize("colour", [*NICK_COLOURS, GREY])
def test_a_terminal_of_256_colours_has_these(colour: str) -> None:
    """So that nothing is rounded to a colour that is harder to read."""
    parts = {int(colour[at : at + 2], 16) for at in (1, 3, 5)}
    assert parts <= {0, 95, 135, 175, 215, 255} or (len(parts) == 1 and (parts.pop() - 8) % 10 == 0)


def test_no_theme_makes_anything_disappear() -> None:
    """Bright black is the background's colour in some; a theme's own colours are used where it chooses them all."""
    for style in (STYLE, STYLE_MONOCHROME, STYLE_OF_A_THEME):
        assert not any("brightblack" in text for text in style.values())
    assert not any("#" in text for key, text in STYLE_OF_A_THEME.items() if key in ("dim", "time", "top", "nick0"))


@pytest.mark.parametrize(
    ("environ", "colours", "depth"),
    [
        ({}, None, None),
        ({}, -1, ColorDepth.DEPTH_1_BIT),
        ({}, 8, ColorDepth.DEPTH_4_BIT),
        ({}, 16, ColorDepth.DEPTH_4_BIT),
        ({}, 256, ColorDepth.DEPTH_8_BIT),
        ({}, 2**24, ColorDepth.DEPTH_24_BIT),
        ({"COLORTERM": "truecolor"}, 8, ColorDepth.DEPTH_24_BIT),
        ({"COLORTERM": "24bit"}, 256, ColorDepth.DEPTH_24_BIT),
        ({"COLORTERM": "yes"}, 256, ColorDepth.DEPTH_8_BIT),
        ({"COLORTERM": "truecolor", "NO_COLOR": "1"}, 256, ColorDepth.DEPTH_1_BIT),
    ],
)
def test_the_person_and_the_terminal_are_asked(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], colours: int | None, depth: ColorDepth | None
) -> None:
    """NO_COLOR first, then COLORTERM, then the terminal's description."""
    for name in ("NO_COLOR", "COLORTERM", "PROMPT_TOOLKIT_COLOR_DEPTH"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert colour_depth(environ, colours) == depth


def test_each_depth_has_its_style() -> None:
    """The terminal's description can be asked for, whatever it says here."""
    assert style_of(ColorDepth.DEPTH_1_BIT) is STYLE_MONOCHROME
    assert style_of(ColorDepth.DEPTH_4_BIT) is STYLE_OF_A_THEME
    assert style_of(ColorDepth.DEPTH_8_BIT) is style_of(None) is STYLE
    assert described_colours() is None or isinstance(described_colours(), int)
