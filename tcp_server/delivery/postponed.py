"""Answers that wait for the end of a replay, in order: of those that were not asked for, a bounded number of bytes.

Those that were asked for are few: while they are more than ANSWERS_MAX, the session's packets wait (PROTOCOL.md
section 5). All others come from other sessions of the same user, which may do as much as they like meanwhile.
"""

from __future__ import annotations

from tcp_server.chat.outputs import Output, Send, SendNewest

ANSWERS_MAX = 256 * 1024  # bytes of answers that wait for a session; with more, its packets wait too


class PostponedOutputs:
    """The outputs of one session.

    Attributes:
        bytes: of their bodies.
    """

    __slots__ = ("_outputs", "bytes")

    def __init__(self) -> None:
        self.bytes = 0
        self._outputs: list[Output] = []

    def add(self, output: Output) -> None:
        """Keep an output, unless the session does without it.

        Without being asked for come: a ROOM, of which a fresh one follows the replay; READY, of which the last one
        counts; and other packets that the protocol lets a server skip.
        """
        if isinstance(output, Send | SendNewest):
            if not output.is_asked:
                if isinstance(output, SendNewest):
                    if output.room is not None:
                        return
                    self._drop_ready()
                elif self.bytes > ANSWERS_MAX:
                    return
            self.bytes += len(output.body)
        self._outputs.append(output)

    def take(self) -> list[Output]:
        """Return the outputs, and forget them."""
        outputs, self._outputs, self.bytes = self._outputs, [], 0
        return outputs

    def _drop_ready(self) -> None:
        for place, output in enumerate(self._outputs):
            if isinstance(output, SendNewest) and not output.is_asked:
                self.bytes -= len(output.body)
                del self._outputs[place]
                return
