"use strict";

// What each BYE, RETRY and ERROR of the server means for a client (PROTOCOL.md sections 3, 4, 8 and 9). The
// terminal's codes.py has the same tables (tests/cases/codes.json).

const Codes = (() => {
  const AGAIN = "try again";
  const LATER = "try again later"; // at once would be too soon
  const ASK = "ask"; // the person has to decide: another nickname, a password
  const STOP = "stop"; // the server doesn't want this client back

  const BYE = {
    quit: STOP,
    shutdown: LATER,
    kicked: STOP,
    timeout: AGAIN,
    slow: LATER,
    flood: LATER,
    protocol: STOP, // what was not understood would not be understood the next time
    forbidden: STOP,
    banned: STOP,
    logout: ASK, // the token is void
    full: LATER,
  };
  const RETRY = {
    taken: ASK,
    invalid: ASK,
    reserved: ASK,
    confusable: ASK,
    guests: ASK,
    registration: ASK,
    registered: ASK,
    password: ASK,
    banned: STOP,
    full: LATER,
  };
  // The ERRORs after which a message is sent again by itself: the message is fine. After any other it has failed.
  const HELD = new Set(["rate_limited", "log_unavailable", "not_ready"]);

  /** What follows a BYE; after one with an unknown reason the page comes back, but not at once. */
  const afterBye = (reason) => (Object.hasOwn(BYE, reason) ? BYE[reason] : LATER);

  /** What follows a RETRY; one with an unknown reason is for the person to read. */
  const afterRetry = (reason) => (Object.hasOwn(RETRY, reason) ? RETRY[reason] : ASK);

  /** Whether a message that got this ERROR is sent again by itself. */
  const isHeld = (code) => HELD.has(code);

  return { AGAIN, LATER, ASK, STOP, BYE, RETRY, afterBye, afterRetry, isHeld };
})();
