"use strict";

// /export: everything that this person may see, as JSON Lines, one MSG a line as it came over the wire, by id.
// It pages HISTORY upwards through each room and direct conversation, one after the other.

const Takeout = (() => {
  const PAGE = 200;

  function start(turn) {
    if (turn.state.takeout !== null) return turn.note("An export is under way already");
    if (!turn.state.link.synced) return turn.note("An export needs the server; the link is down", "error");
    const targets = Object.values(turn.state.conversations).filter((one) => one.kind === "direct" || one.joined);
    turn.set({ takeout: { targets: targets.map(Conversations.address), messages: [] } });
    turn.note(`Exporting ${targets.length} conversations …`);
    next(turn, 0);
  }

  function next(turn, after) {
    const [target] = turn.state.takeout.targets;
    if (target === undefined) return finish(turn);
    turn.ask({ type: "HISTORY", ...target, after, limit: PAGE }, { what: "export" });
  }

  function received(turn, asked, packet) {
    if (turn.state.takeout === null) return;
    const { targets, messages } = turn.state.takeout;
    const rest = packet.more ? targets : targets.slice(1);
    turn.set({ takeout: { targets: rest, messages: [...messages, ...packet.messages] } });
    next(turn, packet.more ? packet.messages.at(-1).id : 0);
  }

  function finish(turn) {
    const messages = turn.state.takeout.messages.sort((one, other) => one.id - other.id);
    const day = new Date(turn.at).toISOString().slice(0, 10);
    turn.effect("download", {
      name: `wordpacket-${day}.jsonl`,
      lines: messages.map((message) => JSON.stringify(message)),
    });
    turn.set({ takeout: null });
    turn.note(`Exported ${messages.length} messages`);
  }

  function failed(turn, why) {
    if (turn.state.takeout === null) return;
    turn.set({ takeout: null });
    turn.note(`The export stopped: ${why}`, "error");
  }

  return { start, received, failed };
})();
