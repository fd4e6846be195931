"""Fixtures of the chat's tests."""

import pytest

from cli_client.chat.session import ChatSession
from tests.cli_client.chat.sessions import entered


@pytest.fixture
def session() -> ChatSession:
    return entered()
