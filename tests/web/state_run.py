"""Drives state.js by values: events in, state and effects out, as main.js does it but without a browser's world."""

from typing import Any

from playwright.sync_api import Page

Packet = dict[str, Any]
URL = "ws://chat.example/"
READY: Packet = {
    "type": "READY",
    "nickname": "alice",
    "token": "t1",
    "epoch": "e1",
    "id": 10,
    "rooms": ["lobby"],
    "resumed": False,
}
ROOM: Packet = {"type": "ROOM", "room": "lobby", "topic": "", "count": 2, "users": ["alice", "bob"], "id": 9}
HELLO: Packet = {"type": "HELLO", "protocol": 1, "server": "S", "version": "1", "limits": {}, "server_password": False}

RUN = """events => {
  let state = initialState();
  const effects = [];
  const downloads = [];
  let at = 1000;
  for (const event of events) {
    at += 10;
    if (event.type === "wait") { at += event.msec; continue; }
    const step = State.reduce(state, { at, ...event });
    state = step.state;
    for (const effect of step.effects) {
      if (effect.do === "download") downloads.push(effect.lines);
      effects.push(effect.packet ? JSON.parse(Wire.format(effect.packet)) : effect.do);
    }
  }
  return { state: JSON.parse(JSON.stringify(state)), effects, downloads, shown: State.connectionShown(state),
           unsent: State.unsent(state), account: Visit.account(state), wakeAt: State.wakeAt(state) };
}"""


class Run:
    """Events written one after the other; reading anything runs them."""

    def __init__(self, lab: Page) -> None:
        self.lab = lab
        self.events: list[dict[str, Any]] = []

    def do(self, kind: str, **event: Any) -> "Run":
        self.events.append({"type": kind, **event})
        return self

    def get(self, *packets: Packet) -> "Run":
        for packet in packets:
            self.do("packet", packet=packet)
        return self

    def say(self, text: str, **more: Any) -> "Run":
        return self.do("say", text=text, ref=f"ref-{text}", **more)

    def signed_in(self) -> "Run":
        """As alice in #lobby, whose newest message is 9, with a live connection."""
        self.do("attention", attentive=True)
        self.do("signin", url=URL, nickname="alice", password="", serverPassword="")
        return self.do("opened").get(HELLO, READY, ROOM).synced()

    def synced(self) -> "Run":
        found = [one for one in self.effects() if one.get("type") == "PING"]
        return self.get({"type": "PONG", "id": 0, "ref": found[-1]["ref"]})

    def result(self) -> dict[str, Any]:
        return dict(self.lab.evaluate(RUN, self.events))

    def effects(self) -> list[Packet]:
        return [one if isinstance(one, dict) else {"do": one} for one in self.result()["effects"]]

    def sent(self, kind: str) -> list[Packet]:
        return [one for one in self.effects() if one.get("type") == kind]

    def state(self) -> dict[str, Any]:
        return dict(self.result()["state"])

    def room(self, key: str = "#lobby") -> dict[str, Any]:
        return dict(self.state()["conversations"][key])

    def shown(self, key: str = "#lobby") -> list[Any]:
        """The timeline: messages as texts, gaps as (after, before), other lines as their words."""
        words: list[Any] = []
        for entry in self.room(key)["timeline"]:
            if entry["kind"] == "gap":
                words.append((entry["after"], entry["before"]))
            elif entry["kind"] == "presence":
                words.append({"joined": entry["joined"], "left": entry["left"]})
            else:
                words.append(entry.get("message", entry.get("text")))
        return words


def msg(identity: int, message: str, nickname: str = "bob", **more: Any) -> Packet:
    target = {} if "to" in more else {"room": "lobby"}
    return {
        "type": "MSG",
        "id": identity,
        "nickname": nickname,
        "message": message,
        "timestamp": "2026-11-22T10:00:00Z",
        **target,
        **more,
    }
