"""Questions before the screen is opened."""

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from cli_client.screen.question import ask_nickname, ask_password


async def test_a_nickname_is_asked_for_until_it_is_valid(capsys: pytest.CaptureFixture[str]) -> None:
    """Each mistake is told; white space around the name is not part of it."""
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        keys.send_text("a b\r\r bob \r")
        assert await ask_nickname() == "bob"
    told = capsys.readouterr().err.splitlines()
    assert told[0] == "wordpacket: a nickname may not hold U+0020"
    assert len(told) == 2


async def test_a_password_is_taken_as_it_is() -> None:
    """With its white space; Ctrl-D gives none."""
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        keys.send_text(" open sesame \r")
        assert await ask_password("the server") == " open sesame "
        keys.send_text("\x04")
        with pytest.raises(EOFError):
            await ask_password("alice")
