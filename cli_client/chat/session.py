"""The chat of one user, as a person sees it: lines that were typed and events go in, effects come out.

Pure: no socket, no clock, no await; the time is an argument. It owns the book of views; a face reads the book, and
tells it where the person looks. The meaning of a command is in `commands`, that of a list in `listing`.
"""

from collections.abc import Sequence
from datetime import datetime

from cli_client.chat import commands
from cli_client.chat.book import HITS_TARGET, Book
from cli_client.chat.display import bounded, defuse, defuse_line, harmless, isolate
from cli_client.chat.effects import Ask, Effect, Purpose, Rename, SendText, Show
from cli_client.chat.handlers import NOWHERE, CommandFault
from cli_client.chat.lines import Fate, Kind, Line
from cli_client.chat.listing import Listing
from cli_client.library.events import Event, Failed, Live, Lost, NotLetIn, Postponed, Sent, Unanswered
from cli_client.library.outbox import Outgoing, OutgoingState
from cli_client.library.targets import message_target
from tcp_server.protocol import client_packets, server_packets

LEAVE_WORDS = {"left": "left", "quit": "quit", "timeout": "lost the connection", "kicked": "was removed"}
MY_LEAVE_WORDS = LEAVE_WORDS | {"kicked": "were removed"}
NOTICE_AGAIN_SECONDS = 10.0  # the same notice within this time after the last is not shown again


class ChatSession:
    """One user's chat. The effects that a method returns are to be carried out in order.

    Attributes:
        book: the views.
    """

    def __init__(self, nickname: str, now: datetime, *, paged: bool = True) -> None:
        self.book = Book(nickname, now, paged=paged)
        self._listing = Listing(self.book)
        self._notice = ("", now)

    # -- the person ------------------------------------------------------------------------------

    def typed(self, line: str, now: datetime) -> Sequence[Effect]:
        """Take a line that the person entered: a command, or a text for the current view.

        A refused line gives one error to show, and has no other effect.
        """
        self.book.set_now(now)
        try:
            match commands.read(line):
                case str(text):
                    return self._said(text) if text else []
                case command, rest:
                    return commands.run(self.book, command, rest)
        except CommandFault as fault:
            return self.book.fail(str(fault))

    def say(self, text: str, now: datetime) -> Sequence[Effect]:
        """Take a text for the current view, whatever its first character is."""
        self.book.set_now(now)
        return self._said(text) if text.strip() else []

    def look_back(self) -> Sequence[Effect]:
        """Ask for the messages above the current view's first line, unless they are under way or there are none."""
        return self._listing.look_back()

    def _said(self, text: str) -> Sequence[Effect]:
        target = self.book.current.target
        if target[0] in "#@":
            return [SendText(target, text)]
        if target != HITS_TARGET:
            return self.book.fail(NOWHERE)
        if text.strip().isdecimal():
            return self.typed(f"/context {text.strip()}", self.book.now)
        return self.book.fail("this is a list of hits; type the number of one")

    # -- the library -----------------------------------------------------------------------------

    def queued(self, outgoing: Outgoing, now: datetime) -> None:
        """Show a message of ours as pending, if there is a screen where it can change."""
        self.book.set_now(now)
        if not self.book.paged:
            return
        kind = Kind.ACTION if outgoing.action else Kind.MESSAGE
        line = Line(kind, defuse(outgoing.message), now, self.book.nickname, ref=outgoing.ref)
        line.fate = Fate(outgoing.state.value)
        line.reason = defuse_line(bounded(outgoing.reason))
        self.book.open(_target(outgoing)).append(line)

    def retried(self, ref: str) -> None:
        """Show a failed message as pending again."""
        for view in self.book.talks:
            view.settle(ref, Fate.PENDING)

    def discarded(self, ref: str) -> None:
        """Show a failed message no more."""
        for view in self.book.talks:
            view.discard(ref)

    def renamed(self, nickname: str) -> None:
        """Take the answer to `Rename`."""
        self.book.rename_user(defuse_line(nickname))

    def answered(self, ask: Ask, packet: server_packets.ServerPacket, now: datetime) -> Sequence[Effect]:
        """Take the server's answer to `Ask`.

        ROOM and LEAVE come as events too, but the next line that the person types must not wait for those.
        """
        self.book.set_now(now)
        packet = harmless(packet)
        match packet:
            case server_packets.RoomState():
                self._room(packet)
                return []
            case server_packets.Leave():
                return self._leave(packet)
        return self._listing.answered(ask, packet)

    def refused(self, asked: Ask | Rename, text: str, now: datetime) -> Sequence[Effect]:
        """Take the server's refusal of a question, or the loss of its answer."""
        self.book.set_now(now)
        if isinstance(asked, Ask):
            view = self.book.find(asked.target) if asked.target else None
            if view is not None and asked.purpose is Purpose.OLDER:
                view.fail_fetch()
            if isinstance(asked.request, client_packets.Join):
                self.book.give_up_room(asked.target)
        return self.book.fail(bounded(text))

    # -- the server ------------------------------------------------------------------------------

    def received(self, event: Event, now: datetime) -> Sequence[Effect]:
        """Take an event of the client library."""
        self.book.set_now(now)
        if isinstance(event, server_packets.ServerPacket):
            event = harmless(event)
        match event:
            case server_packets.Msg():
                return self._message(event)
            case Sent(outgoing, _):
                self.discarded(outgoing.ref)  # its line, unless the message itself has taken its place
            case Postponed(outgoing) | Failed(outgoing):
                return self._fail_pending(outgoing)
            case server_packets.Ready():
                self.book.rename_user(event.nickname or self.book.nickname)
                self.book.keep_rooms(event.rooms or ())
            case server_packets.RoomState():
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
                return self._note_notice(text)
            case server_packets.Gap():
                return self._gap()
            case server_packets.Error(message=text):
                return self.book.fail(text)
            case NotLetIn(_, _, text):
                text = f"{defuse_line(bounded(text))}; /nick NAME tries another nickname"
                lines = self.book.current.lines
                return [] if lines and lines[-1].text == text else self.book.fail(text)  # once for many attempts
            case Live() | Lost() | Unanswered():
                pass  # a face shows the connection outside the views
        return []

    def _message(self, message: server_packets.Msg) -> Sequence[Effect]:
        view = self.book.open(message_target(message, self.book.nickname))
        line = self.book.message_line(message)
        if not view.deliver(line):
            return []
        if view is not self.book.current and not self.book.is_me(message.nickname):
            view.attention.miss(mention=line.mention)
        return [Show(view.target, line)]

    def _fail_pending(self, outgoing: Outgoing) -> Sequence[Effect]:
        """Show why a message is postponed or was refused: at its line, and in the view that the person looks at."""
        view = self.book.find(_target(outgoing))
        reason = defuse_line(bounded(outgoing.reason))
        has_line = view is not None and view.settle(outgoing.ref, Fate(outgoing.state.value), reason)
        is_seen = has_line and view is self.book.current
        if not self.book.paged or outgoing.state is not OutgoingState.FAILED or is_seen:
            return []
        return self.book.fail(f"not sent to {isolate(_target(outgoing))}: {reason}")

    def _room(self, room: server_packets.RoomState) -> None:
        view = self.book.open(f"#{room.room}")
        view.roster.describe(room)
        if room.id:
            view.expect_older()
        self.book.enter_room(view.target)

    def _join(self, join: server_packets.Join) -> Sequence[Effect]:
        view = self.book.open(f"#{join.room}")
        view.roster.enter(join.nickname)
        return self.book.add(view, Kind.JOIN, "joined", join.nickname, join.timestamp)

    def _leave(self, leave: server_packets.Leave) -> Sequence[Effect]:
        view = self.book.find(f"#{leave.room}")
        if view is None:
            return []
        is_me = self.book.is_me(leave.nickname)
        words = (MY_LEAVE_WORDS if is_me else LEAVE_WORDS).get(leave.reason, leave.reason)
        text = f"{words}: {leave.message}" if leave.message else words
        if is_me:
            self.book.close(view.target)
            return self.book.note(f"you {text}: {isolate(view.target)}")
        view.roster.leave(leave.nickname)
        return self.book.add(view, Kind.LEAVE, text, leave.nickname, leave.timestamp)

    def _topic(self, topic: server_packets.Topic) -> Sequence[Effect]:
        view = self.book.open(f"#{topic.room}")
        view.roster.set_topic(topic.topic)
        text = f"set the topic: {topic.topic}" if topic.topic else "cleared the topic"
        return self.book.add(view, Kind.TOPIC, text, topic.nickname, topic.timestamp)

    def _nick(self, nick: server_packets.Nick) -> Sequence[Effect]:
        if self.book.is_me(nick.old):
            self.book.rename_user(nick.nickname)
        self.book.rename_talk(nick.old, nick.nickname)
        view = self.book.open(f"#{nick.room}")
        view.roster.rename(nick.old, nick.nickname)
        return self.book.add(view, Kind.NICK, f"is now {isolate(nick.nickname)}", nick.old, nick.timestamp)

    def _note_notice(self, text: str) -> Sequence[Effect]:
        """Show a notice; a bridge without a server repeats its own every two seconds."""
        last, at = self._notice
        self._notice = (text, self.book.now)
        if text == last and (self.book.now - at).total_seconds() < NOTICE_AGAIN_SECONDS:
            return []
        return self.book.add(self.book.current, Kind.NOTICE, text)

    def _typing(self, typing: server_packets.Typing) -> None:
        if self.book.is_me(typing.nickname):
            return
        view = self.book.find(f"#{typing.room}" if typing.room is not None else f"@{typing.nickname}")
        if view is not None:
            view.roster.begin_typing(typing.nickname, self.book.now)

    def _gap(self) -> Sequence[Effect]:
        """Cut every view where the log has a hole: history is fetched again when the person looks there."""
        for view in self.book.talks:
            view.forget_messages()
        how = "PageUp shows them" if self.book.paged else "/history lists some"
        text = f"you were away for long, and some messages are missing here; {how}"
        return self.book.add(self.book.current, Kind.NOTICE, text)


def _target(outgoing: Outgoing) -> str:
    return f"@{outgoing.to}" if outgoing.to is not None else f"#{outgoing.room}"
