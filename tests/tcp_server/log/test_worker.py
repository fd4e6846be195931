"""A worker: jobs in order in one thread, results on the loop."""

import asyncio
import threading

from tcp_server.log.worker import Worker


async def test_jobs_run_in_order_and_answer_on_the_loop() -> None:
    """Results and errors alike."""
    loop = asyncio.get_running_loop()
    worker = Worker("test", loop)
    finished = asyncio.Event()
    seen: list[object] = []
    loop_thread = threading.get_ident()

    def take(result: object) -> None:
        assert threading.get_ident() == loop_thread
        seen.append(result)

    def job(number: int) -> int:
        assert threading.get_ident() != loop_thread
        if number == 2:
            raise KeyError(number)
        return number

    for number in range(5):
        worker.submit(lambda number=number: job(number), take, take)  # type: ignore[misc]
    worker.submit(lambda: None, lambda _: finished.set(), take)
    await finished.wait()
    assert seen[:2] == [0, 1]
    assert isinstance(seen[2], KeyError)
    assert seen[3:] == [3, 4]
    worker.stop()


async def test_stop_finishes_what_was_submitted() -> None:
    """Then the thread has ended."""
    done: list[int] = []
    worker = Worker("test", asyncio.get_running_loop())
    for number in range(100):
        worker.submit(lambda number=number: done.append(number), lambda _: None, lambda _: None)  # type: ignore[misc]
    worker.stop()
    assert done == list(range(100))
    assert not any(thread.name == "test" for thread in threading.enumerate())
