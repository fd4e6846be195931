"""The server's clock: the only place that asks what time it is."""

import time

from tcp_server.chat.state import Moment

# The ends of timestamps. Formatting one takes 20 µs while the processor's caches are cold, as before a lone message.
MILLIS = tuple(f"{millis:03}Z" for millis in range(1000))


class Clock:
    """Gives moments; calls within one millisecond get the same moment."""

    def __init__(self) -> None:
        self._second = -1
        self._prefix = ""
        self._moment = Moment(0.0, -1, "")

    def now(self) -> Moment:
        millis = time.time_ns() // 1_000_000
        if millis != self._moment.millis:
            second, rest = divmod(millis, 1000)
            if second != self._second:
                self._second = second
                self._prefix = time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(second))
            self._moment = Moment(time.monotonic(), millis, self._prefix + MILLIS[rest])
        return self._moment
