"use strict";

// /export: all messages that this person may see, as JSON Lines: one MSG a line as the server sent it, ordered by id.
// It pages HISTORY upwards through each room and direct conversation, one after the other.

const Export = (() => {
  const PAGE = 200;

  /** `name`: of the file. */
  function start(reduction, name) {
    if (reduction.state.exporting !== null) return reduction.note("An export is running already");
    if (!reduction.isLive) return reduction.note("An export needs the server, and there is no connection", "error");
    const targets = Object.values(reduction.state.conversations).filter((one) => one.kind === "direct" || one.joined);
    reduction.set({ exporting: { name, targets: targets.map(Conversations.address), messages: [] } });
    reduction.note(`Exporting ${targets.length} conversations …`);
    next(reduction, 0);
  }

  function next(reduction, after) {
    const [target] = reduction.state.exporting.targets;
    if (target === undefined) return finish(reduction);
    reduction.ask({ type: "HISTORY", ...target, after, limit: PAGE }, { what: "export", after });
  }

  function received(reduction, asked, packet) {
    if (reduction.state.exporting === null) return;
    const { name, targets, messages } = reduction.state.exporting;
    const last = packet.messages.at(-1)?.id ?? asked.after;
    const isMore = packet.more && last > asked.after; // a page that leads nowhere would be asked for without end
    const rest = isMore ? targets : targets.slice(1);
    reduction.set({ exporting: { name, targets: rest, messages: [...messages, ...packet.messages] } });
    next(reduction, isMore ? last : 0);
  }

  function finish(reduction) {
    const { name, messages } = reduction.state.exporting;
    messages.sort((one, other) => one.id - other.id);
    const day = new Date(reduction.at).toISOString().slice(0, 10);
    reduction.effect("download", {
      name: name ?? `wordpacket-${day}.jsonl`,
      lines: messages.map((message) => JSON.stringify(message)),
    });
    reduction.set({ exporting: null });
    reduction.note(`Exported ${messages.length} messages`);
  }

  function failed(reduction, why) {
    if (reduction.state.exporting === null) return;
    reduction.set({ exporting: null });
    reduction.note(`The export stopped: ${why}`, "error");
  }

  return { start, received, failed };
})();
