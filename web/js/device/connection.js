"use strict";

// One WebSocket after another: opens, watches, reopens. Emits events for state.js and decides nothing about the chat:
//   {type: "opened"} · {type: "packet", packet} · {type: "closed", code, retryAt} · {type: "silent", since}
// Rule 1: after stop() nothing is emitted until the next start().

class Connection {
  static RETRY_MIN_MSEC = 500;
  static RETRY_MAX_MSEC = 30_000;
  // Silence after which we ask whether the server is there; the server itself asks after 30 s (section 4).
  static IDLE_MSEC = 25_000;
  // A PING without its PONG for so long means that the server is away, though the socket may stand (a bridge).
  static ANSWER_MSEC = 4_000;
  // After a NOTICE, by which a bridge says just that, so long is enough.
  static DOUBTFUL_MSEC = 1_500;
  // A bridge gives up its server after 30 s and closes; when even that doesn't come, the socket is dead.
  static DEAD_MSEC = 45_000;

  /** `open(url)` returns a WebSocket; `clock` has now, setTimeout and clearTimeout; `random` is 0 to 1. */
  constructor({ emit, open, clock, random }) {
    this.emit = emit;
    this.open = open;
    this.clock = clock;
    this.random = random;
    this.url = null;
    this.socket = null;
    this.timers = {};
    this.failures = 0;
    this.pings = 0;
    this.asking = false;
  }

  /** Connects to `url` now, and again whenever the socket is lost. */
  start(url) {
    this.stop();
    this.url = url;
    this.failures = 0;
    this.#connect();
  }

  /** Closes for good. */
  stop() {
    this.url = null;
    this.#letGo(1000);
  }

  /** Sends a packet if the socket is open; one that isn't sent is the caller's to repeat. */
  send(packet) {
    if (this.socket?.readyState !== 1) return false;
    this.socket.send(Wire.format(packet));
    return true;
  }

  /** The world may have changed (back online, the tab is seen again): don't wait for a timer. */
  wake() {
    if (this.url === null) return;
    if (this.socket === null) this.#connect();
    else this.probe();
  }

  /**
   * Asks whether the server is there; if no answer comes, `silent` is emitted, and much later the socket is
   * given up.
   */
  probe(patience = Connection.ANSWER_MSEC) {
    if (this.socket?.readyState !== 1 || this.asking) return;
    this.asking = true;
    const since = this.clock.now();
    this.pings += 1;
    this.send({ type: "PING", ref: `alive-${this.pings}` });
    this.#timer("answer", patience, () => this.emit({ type: "silent", since }));
    this.#timer("dead", Connection.DEAD_MSEC, () => this.#lost(this.socket, 0));
  }

  #connect() {
    this.#clear("retry");
    let socket;
    try {
      socket = this.open(this.url);
    } catch {
      return this.#lost(null, 0); // not a ws: address at all, or forbidden by the page's policy
    }
    this.socket = socket;
    socket.onopen = () => this.emit({ type: "opened" });
    socket.onmessage = ({ data }) => this.#heard(data);
    socket.onclose = ({ code }) => this.#lost(socket, code);
    this.#timer("dead", Connection.DEAD_MSEC, () => this.#lost(socket, 0));
  }

  #heard(body) {
    let packet;
    try {
      packet = Wire.parse(body);
    } catch (fault) {
      if (!(fault instanceof Wire.WireError)) throw fault;
      console.warn(`packet ignored: ${fault.message}`);
      return;
    }
    // A NOTICE may be the bridge's own: it is no sign of the server's life.
    if (packet.type !== "NOTICE") {
      this.asking = false;
      this.#clear("answer");
      this.#clear("dead");
      this.#timer("idle", Connection.IDLE_MSEC, () => this.probe());
    }
    if (packet.type === "READY") this.failures = 0;
    if (packet.type === "PING") this.send({ type: "PONG", ref: packet.ref });
    else this.emit({ type: "packet", packet });
  }

  #lost(socket, code) {
    if (socket !== this.socket) return;
    this.#letGo(1000);
    if (this.url === null) return;
    const wait = this.#wait();
    this.failures += 1;
    this.emit({ type: "closed", code, retryAt: this.clock.now() + wait });
    this.#timer("retry", wait, () => this.#connect());
  }

  /** At once the first time, then 0.5 s doubling to 30 s, each somewhere between half and all of it. */
  #wait() {
    if (this.failures === 0) return 0;
    const most = Math.min(Connection.RETRY_MAX_MSEC, Connection.RETRY_MIN_MSEC * 2 ** (this.failures - 1));
    return most * (0.5 + this.random() / 2);
  }

  #letGo(code) {
    for (const name of Object.keys(this.timers)) this.#clear(name);
    this.asking = false;
    const { socket } = this;
    this.socket = null;
    if (socket === null) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(code);
  }

  #timer(name, msec, work) {
    this.#clear(name);
    this.timers[name] = this.clock.setTimeout(work, msec);
  }

  #clear(name) {
    this.clock.clearTimeout(this.timers[name]);
    delete this.timers[name];
  }
}
