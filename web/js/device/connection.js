"use strict";

// The browser's connection, one WebSocket after another: opens, watches, reopens. Emits events for state.js and decides
// nothing about the chat:
//   {type: "opened"} · {type: "packet", packet} · {type: "closed", retryAt} · {type: "silent", since}
// Rule 1: after stop() nothing is emitted until the next start().

class Connection {
  static RETRY_MIN_MSEC = 500;
  static RETRY_MAX_MSEC = 30_000;
  // After this silence we ask whether the server is there; the server itself asks after 30 s (PROTOCOL.md section 4).
  static IDLE_MSEC = 25_000;
  // A PING without its PONG for this time means that the server is away, though the socket may stand (a bridge).
  static ANSWER_MSEC = 5_000;
  // The same after a NOTICE: a bridge tells by NOTICE that its server is away.
  static DOUBTFUL_MSEC = 1_500;
  // A socket on which nothing at all comes for this time after a PING is dead: a bridge without a server says so every
  // 2 s (PROTOCOL.md section 6). A connection attempt has the same time.
  static DEAD_MSEC = 10_000;
  // Before its HELLO a browser hears nothing of a bridge without a server, which closes after 30 s.
  static HELLO_MSEC = 45_000;

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
    this.isHeard = false; // something came on this socket
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
    this.#letGo();
  }

  /** Leaves this socket and opens another, but not at once. */
  later() {
    this.failures = Math.max(this.failures, 1);
    if (this.socket !== null) this.#lost(this.socket);
  }

  /** Sends a packet if the socket is open. The outbox sends a message again; other packets are lost. */
  send(packet) {
    if (this.socket?.readyState === 1) this.socket.send(Wire.format(packet));
  }

  /** Connects or asks at once, without waiting for a timer: the network is back, or the tab is seen again. */
  check() {
    if (this.url === null) return;
    if (this.socket === null) this.#connect();
    else this.probe();
  }

  /**
   * Asks whether the server is there. Without an answer `silent` is emitted, and after DEAD_MSEC in which nothing at
   * all came the socket is given up.
   */
  probe(patience = Connection.ANSWER_MSEC) {
    if (this.socket?.readyState !== 1 || !this.isHeard || this.asking) return;
    this.asking = true;
    const since = this.clock.now();
    this.pings += 1;
    this.send({ type: "PING", ref: `alive-${this.pings}` });
    this.#timer("answer", patience, () => this.emit({ type: "silent", since }));
    this.#watch(Connection.DEAD_MSEC);
  }

  /** Gives the socket up unless something comes on it within this time. */
  #watch(msec) {
    const { socket } = this;
    this.#timer("dead", msec, () => this.#lost(socket));
  }

  #connect() {
    this.#clear("retry");
    let socket;
    try {
      socket = this.open(this.url);
    } catch {
      return this.#lost(null); // not a ws: address at all, or forbidden by the page's policy
    }
    this.socket = socket;
    socket.onopen = () => {
      this.#watch(Connection.HELLO_MSEC);
      this.emit({ type: "opened" });
    };
    socket.onmessage = ({ data }) => this.#heard(data);
    socket.onclose = () => this.#lost(socket);
    this.#watch(Connection.DEAD_MSEC);
  }

  #heard(body) {
    this.isHeard = true;
    // Whatever comes shows that the socket stands; whether the server is there, the answer shows.
    if (this.asking) this.#watch(Connection.DEAD_MSEC);
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

  #lost(socket) {
    if (socket !== this.socket) return;
    this.#letGo();
    if (this.url === null) return;
    const wait = this.#wait();
    this.failures += 1;
    this.emit({ type: "closed", retryAt: this.clock.now() + wait });
    this.#timer("retry", wait, () => this.#connect());
  }

  /** At once the first time, then 0.5 s doubling to 30 s, each somewhere between half and all of it. */
  #wait() {
    if (this.failures === 0) return 0;
    const most = Math.min(Connection.RETRY_MAX_MSEC, Connection.RETRY_MIN_MSEC * 2 ** (this.failures - 1));
    return most * (0.5 + this.random() / 2);
  }

  #letGo() {
    for (const name of Object.keys(this.timers)) this.#clear(name);
    this.asking = false;
    this.isHeard = false;
    const { socket } = this;
    this.socket = null;
    if (socket === null) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(1000);
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
