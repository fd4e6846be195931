"""The session as a person sees it: what was typed or received goes in, what to do and to show comes out.

Pure: no socket, no clock, no await; the time is an argument. It owns the views and nothing else may change
them. What a command means is in `commands`.
"""

from collections.abc import Sequence
from datetime import datetime

from cli_client.chat import commands
from cli_client.chat.book import HITS_TARGET, START_TARGET
from cli_client.chat.effects import Action, Ask, Purpose, Send, Show
from cli_client.chat.listing import Listing
from cli_client.chat.views import Fate, Kind, Line
from cli_client.library.events import Event, Failed, Held, Live, Lost, Refused, Sent
from cli_client.library.outbox import Outgoing, State
from cli_client.library.targets import message_target, target_key
from tcp_server.protocol import client_packets, server_packets
from tcp_server.protocol.names import fold

LEAVE_WORDS = {"left": "left", "quit": "quit", "timeout": "lost the connection", "kicked": "was removed"}


class Session(Listing):
    """One user's chat as it is seen. Every method that returns actions wants them carried out in order."""

    def __init__(self, nickname: str, now: datetime, *, paged: bool = True) -> None:
        super().__init__(nickname, now, paged=paged)
        self._expected: set[str] = set()  # rooms asked for by hand: looked at once they are there

    def expect_room(self, room: str) -> None:
        """Look at this room as soon as we are in it."""
        self._expected.add(target_key(room))

    # -- what was typed --------------------------------------------------------------------------

    def typed(self, line: str, now: datetime) -> Sequence[Action]:
        """Take what a person entered: a command, or a text for the present room; `//` is a text's `/`."""
        self.now = now
        if not line.strip():
            return []
        if not line.startswith("/") or line.startswith("//"):
            return self._said(line[1:] if line.startswith("//") else line)
        try:
            return commands.run(self, line)
        except commands.CommandFault as fault:
            return self.fail(str(fault))

    def say(self, text: str, now: datetime) -> Sequence[Action]:
        """Take a text for the present room, whatever it begins with."""
        self.now = now
        return self._said(text) if text.strip() else []

    def _said(self, text: str) -> Sequence[Action]:
        target = self._current.target
        if target[0] in "#@":
            return [Send(target, text)]
        if target == HITS_TARGET and text.strip().isdecimal():
            return self.typed(f"/context {text.strip()}", self.now)
        how = "a hit's number shows its context" if target == HITS_TARGET else "/join enters a room"
        return self.fail(f"nobody hears this here; {how}")

    # -- what became of it -----------------------------------------------------------------------

    def queued(self, outgoing: Outgoing, now: datetime) -> None:
        """Show a message of ours as pending, if there is a screen where it can change."""
        self.now = now
        if not self.paged:
            return
        target = f"@{outgoing.to}" if outgoing.to is not None else f"#{outgoing.room}"
        kind = Kind.ACTION if outgoing.action else Kind.MESSAGE
        line = Line(kind, outgoing.message, now, self.nickname, ref=outgoing.ref)
        line.fate = Fate(outgoing.state.value)
        line.reason = outgoing.reason
        self.open(target).append(line)

    def retried(self, ref: str) -> None:
        """Show a failed message as pending again."""
        for view in self._views.values():
            line = view.pending(ref)
            if line is not None:
                line.fate, line.reason = Fate.PENDING, ""

    def discarded(self, ref: str) -> None:
        """Show a failed message no more."""
        for view in self._views.values():
            line = view.pending(ref)
            if line is not None:
                view.remove(line)

    def answered(self, ask: Ask, packet: server_packets.AnyPacket, now: datetime) -> Sequence[Action]:
        """Take the server's answer to what `ask` asked.

        ROOM and LEAVE come as events too; what is said next must not wait for those.
        """
        self.now = now
        match packet:
            case server_packets.Room():
                self._room(packet)
                return []
            case server_packets.Leave():
                return self._leave(packet)
        return super().answered(ask, packet, now)

    def refused(self, ask: Action, text: str, now: datetime) -> Sequence[Action]:
        """Take the server's refusal, or the loss of the answer."""
        self.now = now
        if isinstance(ask, Ask):
            view = self.find(ask.target) if ask.target else None
            if view is not None and ask.purpose is Purpose.OLDER:
                view.fetching = view.more = False  # asked again without end otherwise
            if isinstance(ask.request, client_packets.Join):
                self._expected.discard(target_key(ask.target))
        return self.fail(text)

    # -- what the server sent --------------------------------------------------------------------

    def received(self, event: Event, now: datetime) -> Sequence[Action]:
        """Take an event of the client library."""
        self.now = now
        match event:
            case server_packets.Msg():
                return self._message(event)
            case Sent(outgoing, _):
                self.discarded(outgoing.ref)  # its line, unless the message itself has taken its place
            case Held(outgoing) | Failed(outgoing):
                self._fail_pending(outgoing)
            case server_packets.Ready():
                self._ready(event)
            case server_packets.Room():
                self._room(event)
            case server_packets.Join():
                return self._join(event)
            case server_packets.Leave():
                return self._leave(event)
            case server_packets.Topic():
                return self._topic(event)
            case server_packets.Nick():
                return self._nick(event)
            case server_packets.Typing():
                self._typing(event)
            case server_packets.Notice(message=text):
                return self.add(self._current, Kind.NOTICE, text)
            case server_packets.Gap():
                return self._gap()
            case server_packets.Error(message=text):
                return self.fail(text)
            case Refused(_, _, text):
                text = f"{text}; /nick NAME tries another nickname"
                lines = self.current.lines
                return [] if lines and lines[-1].text == text else self.fail(text)  # once for many attempts
            case Live() | Lost():
                pass  # the link has its place outside the views
        return []

    def _message(self, message: server_packets.Msg) -> Sequence[Action]:
        view = self.open(message_target(message, self.nickname))
        mine = fold(message.nickname) == fold(self.nickname)
        pending = view.pending(message.ref) if message.ref else None
        if pending is not None:
            view.remove(pending)
        line = self.message_line(message)
        if not view.append(line):
            return []
        if view.marker is pending and pending is not None:
            view.marker = line
        if view is not self._current and not mine:
            view.unread += 1
            view.mentions += line.mention
        return [Show(view.target, line)]

    def _fail_pending(self, outgoing: Outgoing) -> None:
        """Show why a message is held or was refused: at its line, and where somebody looks."""
        target = f"@{outgoing.to}" if outgoing.to is not None else f"#{outgoing.room}"
        view = self.find(target)
        line = view.pending(outgoing.ref) if view is not None else None
        if line is not None:
            line.fate = Fate(outgoing.state.value)
            line.reason = outgoing.reason
        if self.paged and outgoing.state is State.FAILED and (line is None or view is not self.current):
            self.fail(f"not sent to {target}: {outgoing.reason}")

    def _ready(self, ready: server_packets.Ready) -> None:
        self.nickname = ready.nickname or self.nickname
        rooms = {target_key(room): f"#{room}" for room in ready.rooms or ()}
        for key in [key for key in self._views if key[0] == "#" and key not in rooms]:
            self.close(self._views[key].target)
        for target in rooms.values():
            self.open(target)
        if self._current.target == START_TARGET and rooms:
            words, self._start.lines = self._start.lines, []
            self.switch(next(iter(rooms.values())))
            self._current.lines += words  # what was said before there was a room is not lost

    def _room(self, room: server_packets.Room) -> None:
        view = self.open(f"#{room.room}")
        view.count = room.count
        if room.topic is not None:
            view.topic = room.topic
        if room.users is not None:
            view.users = {fold(user): user for user in room.users}
        if room.id and not view.oldest_id:
            view.more = True
        if target_key(view.target) in self._expected:
            self._expected.discard(target_key(view.target))
            self.switch(view.target)

    def _join(self, join: server_packets.Join) -> Sequence[Action]:
        view = self.open(f"#{join.room}")
        if fold(join.nickname) not in view.users:
            view.users[fold(join.nickname)] = join.nickname
            view.count = (view.count or 0) + 1
        return self.add(view, Kind.JOIN, "joined", join.nickname, join.timestamp)

    def _leave(self, leave: server_packets.Leave) -> Sequence[Action]:
        view = self.find(f"#{leave.room}")
        if view is None:
            return []
        words = LEAVE_WORDS.get(leave.reason, leave.reason)
        text = f"{words}: {leave.message}" if leave.message else words
        if fold(leave.nickname) == fold(self.nickname):
            self.close(view.target)
            return self.note(f"you {text.replace('was', 'were', 1)}: {view.target}")
        if view.users.pop(fold(leave.nickname), None) is not None or view.count:
            view.count = max((view.count or 1) - 1, 0)
        view.typing.pop(fold(leave.nickname), None)
        return self.add(view, Kind.LEAVE, text, leave.nickname, leave.timestamp)

    def _topic(self, topic: server_packets.Topic) -> Sequence[Action]:
        view = self.open(f"#{topic.room}")
        view.topic = topic.topic
        text = f"set the topic: {topic.topic}" if topic.topic else "cleared the topic"
        return self.add(view, Kind.TOPIC, text, topic.nickname, topic.timestamp)

    def _nick(self, nick: server_packets.Nick) -> Sequence[Action]:
        if fold(nick.old) == fold(self.nickname):
            self.nickname = nick.nickname
        talk = self._views.pop(target_key(f"@{nick.old}"), None)
        if talk is not None:
            talk.target = f"@{nick.nickname}"
            self._views.setdefault(target_key(talk.target), talk)
        view = self.open(f"#{nick.room}")
        view.users.pop(fold(nick.old), None)
        view.users[fold(nick.nickname)] = nick.nickname
        return self.add(view, Kind.NICK, f"is now {nick.nickname}", nick.old, nick.timestamp)

    def _typing(self, typing: server_packets.Typing) -> None:
        if fold(typing.nickname) == fold(self.nickname):
            return
        view = self.find(f"#{typing.room}" if typing.room is not None else f"@{typing.nickname}")
        if view is not None:
            view.typing[fold(typing.nickname)] = (typing.nickname, self.now)

    def _gap(self) -> Sequence[Action]:
        """Cut every view where the log has a hole: what is above is fetched again when somebody looks."""
        for view in self._views.values():
            if view.target[0] in "#@":
                view.forget_messages()
        how = "PageUp goes back to them" if self.paged else "/history lists some"
        text = f"you were away for long, and not all messages since are shown; {how}"
        return self.add(self.current, Kind.NOTICE, text)
