"""Fixtures that all parts' tests share: a real server on a free port."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.tcp_server.process import ServerProcess

StartServer = Callable[..., ServerProcess]

# How long something takes says more about the machine, and what else it does, than about what is tested.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One server for a module's tests."""
    process = ServerProcess(tmp_path_factory.mktemp("server") / "data")
    yield process
    process.stop()


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[StartServer]:
    """Start servers with flags, and again on the same data folder."""
    processes: list[ServerProcess] = []

    def start(*flags: str, folder: str = "data") -> ServerProcess:
        process = ServerProcess(tmp_path / folder, *flags)
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.stop()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give what a browser must do in time a second chance, which is printed: a busy machine may delay Chromium."""
    browsers = [Path(__file__).parent / folder for folder in ("web", "end_to_end")]
    for item in items:
        if any(folder in item.path.parents for folder in browsers):
            item.add_marker(pytest.mark.flaky(reruns=1))
