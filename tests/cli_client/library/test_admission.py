"""The first answer to NICK."""

import asyncio

import pytest

from cli_client.library.admission import Admission
from cli_client.library.errors import NotAdmitted, Unreachable


async def test_only_the_first_answer_counts() -> None:
    """A failure after the admission changes nothing, nor the other way round."""
    admission = Admission()
    admission.ask()
    admission.let_in()
    admission.fail(Unreachable("too late"))
    await admission.wait()
    assert not admission.has_failed
    refused = Admission()
    refused.ask()
    refused.fail(NotAdmitted("alice", "taken", "alice is taken"))
    refused.let_in()
    with pytest.raises(NotAdmitted, match="alice is taken"):
        await refused.wait()
    assert refused.has_failed


async def test_a_wait_that_nobody_waits_is_a_failure() -> None:
    """Before it is asked, and after the caller was cancelled."""
    admission = Admission()
    admission.let_in()
    admission.fail(Unreachable("nobody asked"))
    assert admission.has_failed
    admission.ask()
    waiting = asyncio.create_task(admission.wait())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert admission.has_failed
