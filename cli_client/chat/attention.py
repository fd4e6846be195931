"""How much of a view the person has seen, and where they have scrolled to. Pure data."""

from dataclasses import dataclass

from cli_client.chat.lines import Line


@dataclass(slots=True, eq=False)
class Attention:
    """What the person has not seen of a view.

    Attributes:
        unread, mentions: the number of messages, and of mentions among them, since the person looked away.
        marker: the last line that the person has seen, while there are newer ones.
        anchor: the lowest line on the screen while the person has scrolled up.
    """

    unread: int = 0
    mentions: int = 0
    marker: Line | None = None
    anchor: Line | None = None

    def look(self) -> None:
        """Note that the person looks at the view."""
        if not self.unread:
            self.marker = None
        self.unread = self.mentions = 0

    def look_away(self, last: Line | None) -> None:
        """Note that the person looks away: every line after the last one is new."""
        self.marker = last

    def miss(self, *, mention: bool) -> None:
        """Note a message that came while the person looked elsewhere."""
        self.unread += 1
        self.mentions += mention

    def add(self, other: "Attention") -> None:
        """Note that this view has taken over another's lines."""
        self.unread += other.unread
        self.mentions += other.mentions

    def see_all(self) -> None:
        """Note that the person has seen the newest line."""
        self.marker = None

    def scroll_to(self, anchor: Line | None) -> None:
        """Note the lowest line on the screen; None: the view's end."""
        self.anchor = anchor

    def replace(self, line: Line, other: Line) -> None:
        """Note that another line has taken a line's place."""
        if self.marker is line:
            self.marker = other

    def forget(self, line: Line) -> None:
        """Note that a line was taken out."""
        if self.anchor is line:
            self.anchor = None
