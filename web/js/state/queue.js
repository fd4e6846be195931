"use strict";

// Questions that are kept back (PROTOCOL.md section 6): a client has at most 64 packets unanswered, and a server whose
// queue for this session is full refuses all packets until it is empty. What was refused is asked again, in order, with
// its `ref`; nothing that is asked later overtakes it. Messages wait behind it in the outbox.

const Queue = (() => {
  const MOST_UNANSWERED = 60; // the rest of the 64: a message, a PING, a TYPING, a BYE
  const RETRY_MIN_MSEC = 100;
  const RETRY_MAX_MSEC = 30_000;

  /** Asks what stands in `state.asked` under this ref, now or in its turn. */
  function add(reduction, ref) {
    reduction.set({ held: [...reduction.state.held, ref] });
    flush(reduction);
  }

  /** Sends what may be sent now. */
  function flush(reduction) {
    const { asked, held, heldUntil } = reduction.state;
    if (held.length === 0 || heldUntil > reduction.at) return;
    reduction.set({ heldUntil: 0 });
    const free = MOST_UNANSWERED - (Object.keys(asked).length - held.length);
    const next = held.slice(0, Math.max(0, free));
    reduction.set({ held: held.slice(next.length) });
    for (const ref of next) reduction.send(asked[ref].packet);
    if (next.length > 0) reduction.flush();
  }

  /** The server's queue is full. Returns whether the packet was a question, which is then asked again. */
  function refused(reduction, packet) {
    const { asked, held } = reduction.state;
    const heldUntil = reduction.at + (retryMsec(packet) ?? RETRY_MIN_MSEC);
    reduction.set({ heldUntil });
    if (!Object.hasOwn(asked, packet.ref ?? "")) return false;
    const isHeld = new Set([...held, packet.ref]);
    reduction.set({ held: Object.keys(asked).filter((ref) => isHeld.has(ref)) }); // `asked` is in the order of asking
    return true;
  }

  /** The questions of a connection that is gone have no answer any more. */
  const clear = (reduction) => reduction.set({ asked: {}, held: [], heldUntil: 0 });

  /** Returns for how long (in ms) an ERROR bids the client wait, or null if it doesn't say. */
  function retryMsec({ retry_after: seconds }) {
    if (typeof seconds !== "number" || seconds < 0) return null;
    return Math.min(RETRY_MAX_MSEC, Math.max(RETRY_MIN_MSEC, seconds * 1_000));
  }

  /** Returns when (in ms) held questions may be sent, or null. */
  const dueAt = ({ held, heldUntil }) => (held.length > 0 && heldUntil > 0 ? heldUntil : null);

  return { add, flush, refused, clear, retryMsec, dueAt };
})();
