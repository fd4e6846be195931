"use strict";

// Where the browser's connection stands: one phase, moved by one table. A move that the table doesn't hold is a bug of
// ours and throws. A server may send anything at any time, so handlers of packets ask `allows` first.
//
//   stopped      no connection is wanted: before the first sign-in, after /quit, after a final BYE
//   away         there is no socket; the next one is on its way
//   opening      the socket stands, HELLO hasn't come: a bridge whose server is away has none
//   greeted      HELLO came; the server waits for a NICK, and we for the person at the form
//   naming       NICK was sent
//   catching up  READY came; what was missed is coming, and the PONG to our PING says when all of it is here
//   live         all is here; the outbox is sent
//   silent       a PING has no answer: the socket may stand, but the server isn't there
//   ended        BYE came, and the page may come back; the socket is about to go

const ConnectionPhase = (() => {
  const READY = { ready: "catching up", refused: "greeted", bye: "ended" };
  const ALWAYS = { connect: "away", stop: "stopped" };
  const WITH_SOCKET = { ...ALWAYS, closed: "away" };

  /** phase -> event -> the next phase. */
  const TABLE = {
    stopped: { ...ALWAYS },
    away: { ...WITH_SOCKET, opened: "opening" },
    opening: { ...WITH_SOCKET, hello: "greeted", bye: "ended" },
    greeted: { ...WITH_SOCKET, ...READY, introduce: "naming" },
    naming: { ...WITH_SOCKET, ...READY, introduce: "naming" },
    "catching up": { ...WITH_SOCKET, ...READY, caughtUp: "live" },
    live: { ...WITH_SOCKET, ...READY, silence: "silent" },
    silent: { ...WITH_SOCKET, ...READY, answered: "live" },
    ended: { ...WITH_SOCKET },
  };
  const AFTER_READY = new Set(["catching up", "live", "silent"]);
  const SHOWN = { stopped: "offline", live: "live" };

  const allows = (phase, event) => Object.hasOwn(TABLE[phase], event);

  /** Returns the phase that follows. */
  function next(phase, event) {
    if (!allows(phase, event)) throw new Error(`a connection that is ${phase} takes no "${event}"`);
    return TABLE[phase][event];
  }

  /** Whether the server takes the session's packets, though it may not answer now. */
  const isReady = (phase) => AFTER_READY.has(phase);

  /** Returns live, reconnecting or offline, as a person is told. */
  const shown = (phase) => SHOWN[phase] ?? "reconnecting";

  return { TABLE, allows, next, isReady, shown };
})();
