"""The bridge's timeouts; tests pass shorter ones."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """All in seconds."""

    reconnect_min: float = 0.1
    reconnect_max: float = 5.0
    connect: float = 5.0  # until an attempt to reach the server is given up
    link_ping: float = 15.0  # silence of the server after which it is pinged
    link_dead: float = 30.0  # silence after which the link is given up
    away: float = 30.0  # until a browser is closed for want of a server (PROTOCOL.md section 6)
    notice: float = 2.0  # between the notices that there is no server (section 6)
    look: float = 10.0  # how often each browser is looked at
    ping: float = 30.0  # silence of a browser after which it is pinged
    dead: float = 60.0  # silence after which it is dropped
    slow: float = 60.0  # time without an accepted byte after which a congested browser is dropped (section 5)
    handshake: float = 10.0  # until a request is complete
    close: float = 5.0  # until the other side has closed too
    sweep: float = 1.0  # how often all of these are checked

    @property
    def sweeps_per_look(self) -> int:
        return max(1, round(self.look / self.sweep))

    @property
    def looks_until_ping(self) -> int:
        return max(1, round(self.ping / self.look))

    @property
    def looks_until_dead(self) -> int:
        return max(2, round(self.dead / self.look))
