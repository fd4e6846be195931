"""The crowd that chats: its members, their messages, and its end."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from random import Random

from tests.chaos.client import Client, Connect
from tests.chaos.member import SQUARE, Member, Packet
from tests.chaos.wanderer import Wanderer

ROOMS = ["harbour", "kitchen", "library", "garden", "attic"]
ROOMS_EACH = 3
DIRECT = 0.1  # share of direct messages
LONG = 0.02  # share of messages with the greatest length
LONG_CHARACTERS = 7_900
SHORT_CHARACTERS = 200
SQUARE_TALK = 0.3  # share of a wanderer's messages for the square, during its stays
WANDER = 0.2  # a wanderer's arrivals and departures for each of its messages
LOOK_BACK = 0.03  # pages of history read for each message
TYPE = 0.1  # share of messages with a TYPING before them
WANDERERS = 5  # one client in five
HASTY = 0.25  # share of members
NERVOUS = 0.2
READY_SECONDS = 30.0
PAGE = 200


class Crowd:
    """All clients of a chaos run.

    After making one: `await enter()`, `speak`, `await hush()`, `await settle()`; at the end always `await leave()`.

    Args:
        terminals, browsers: for each client a function that opens a connection. The first two terminals and the second
            browser are sessions of one user; every fifth client wanders.

    Attributes:
        pages: of each read of the history the client, the request and the answer.
    """

    def __init__(self, random: Random, terminals: Sequence[Connect], browsers: Sequence[Connect]) -> None:
        self._random = random
        self._stirred = asyncio.Event()
        self._speaking: list[asyncio.Task[None]] = []
        self.pages: list[tuple[Member, Packet, Packet]] = []
        self.terminals = [self._client(f"t{number}", connect) for number, connect in enumerate(terminals)]
        self.browsers = [self._client(f"b{number}", connect) for number, connect in enumerate(browsers)]
        self._first = self.terminals[0]
        self._twins = self.terminals[1:2] + self.browsers[1:2]
        for twin in self._twins:
            twin.member = self._twin(twin.member.label)

    @property
    def clients(self) -> list[Client]:
        return self.terminals + self.browsers

    @property
    def members(self) -> list[Member]:
        return [client.member for client in self.clients]

    async def enter(self) -> None:
        """Connect all clients, and wait until they are in their rooms."""
        others = [client for client in self.clients if client not in self._twins]
        async with asyncio.timeout(READY_SECONDS):
            await asyncio.gather(*(client.enter() for client in others))
            for twin in self._twins:
                twin.member.token = self._first.member.token
                await twin.enter()
            for client in self.clients:  # this answer comes after all packets about the others' arrival
                await client.ask({"type": "PING"})
                client.member.is_steady = True

    def speak(self, per_second: float) -> None:
        """Let all clients talk from now on, each at this average rate."""
        start = asyncio.get_running_loop().create_task
        self._speaking = [start(self._speak(client, per_second)) for client in self.clients]

    async def hush(self) -> None:
        """Let no client send anything new."""
        for task in self._speaking:
            task.cancel()
        results = await asyncio.gather(*self._speaking, return_exceptions=True)
        self._speaking.clear()
        for member in self.members:
            if isinstance(member, Wanderer):
                member.is_resting = True
        _raise_first(results)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds; only packets that clients hear can change it."""
        while not condition():
            self._stirred.clear()
            await self._stirred.wait()

    async def settle(self, seconds: float) -> list[str]:
        """Wait until all messages are acknowledged, and all logged messages have arrived.

        Returns:
            The faults that are left after these seconds.
        """
        settling = {asyncio.ensure_future(self._settle(client)): client for client in self.clients}
        _, pending = await asyncio.wait(settling, timeout=seconds)
        for task in pending:
            task.cancel()
        results = await asyncio.gather(*settling, return_exceptions=True)
        _raise_first([result for result in results if not isinstance(result, asyncio.CancelledError)])
        return [f"not settled after {seconds:.0f} s: {settling[task].describe()}" for task in pending]

    async def leave(self) -> None:
        """Disconnect all clients; raise the errors of the test itself."""
        await self.hush()
        _raise_first(await asyncio.gather(*(client.stop() for client in self.clients), return_exceptions=True))

    def _client(self, label: str, connect: Connect) -> Client:
        random = Random(self._random.getrandbits(64))
        hasty, nervous = random.random() < HASTY, random.random() < NERVOUS
        rooms = random.sample(ROOMS, ROOMS_EACH)
        if int(label[1:]) % WANDERERS == WANDERERS - 1:
            member: Member = Wanderer(label, label, rooms, random, hasty=hasty)
        else:
            member = Member(label, label, rooms, random, hasty=hasty, nervous=nervous)
        return Client(member, connect, random, self._stirred)

    def _twin(self, label: str) -> Member:
        first = self._first.member
        return Member(label, first.nickname, first.rooms, Random(self._random.getrandbits(64)))

    async def _speak(self, client: Client, per_second: float) -> None:
        member, random = client.member, Random(client.member.label)
        homebodies = [other.nickname for other in self.members if not isinstance(other, Wanderer)]
        for number in range(1, sys.maxsize):
            await asyncio.sleep(random.expovariate(per_second))
            length = LONG_CHARACTERS if random.random() < LONG else random.randrange(SHORT_CHARACTERS)
            text = f"{member.label} says {number}: ".ljust(length, "…")
            room = random.choice(member.rooms)
            if random.random() < TYPE:
                client.type_in(room)
            if random.random() < DIRECT:
                client.say(text, to=random.choice(homebodies))
            elif isinstance(member, Wanderer) and member.is_in and random.random() < SQUARE_TALK:
                client.say(text, room=SQUARE)
            else:
                client.say(text, room=room)
            if random.random() < WANDER:
                client.wander()
            if random.random() < LOOK_BACK and member.heard:
                await self._look_back(client, random)

    async def _look_back(self, client: Client, random: Random) -> None:
        """Read a page of history before a message that was heard: that part of the log never changes."""
        heard = random.choice(client.member.heard)
        if heard.room is not None and heard.room != SQUARE:
            request = {"type": "HISTORY", "room": heard.room, "before": heard.id, "limit": random.randint(1, PAGE)}
            self.pages.append((client.member, request, await client.ask(request)))

    async def _settle(self, client: Client) -> None:
        while not client.member.is_settled:
            client.again()
            await client.ask({"type": "PING"})  # the answer comes after all earlier packets: no busy wait
        await client.ask({"type": "PING"})


def _raise_first(results: Sequence[object]) -> None:
    for result in results:
        if isinstance(result, Exception):
            raise result
