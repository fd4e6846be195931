"use strict";

// Locks that a tab holds for as long as it lives: Web Locks where the browser has them (https, localhost, a file). On
// plain http in a local network it has none, and tabs ask each other over a BroadcastChannel instead: a holder of the
// name answers, and silence means that the name is free. Should both fail, two tabs may send one message: it has one
// `ref`, so the server still logs it once.

class OwnerLocks {
  static ANSWER_MSEC = 400;
  static RETRY_MSEC = 5_000;

  constructor({ webLocks, channel }) {
    this.webLocks = webLocks ?? null;
    this.channel = channel ?? null;
    this.held = new Map(); // name -> release()
    this.#answerOthers();
  }

  /** Holds a lock until its release or the end of the tab. The caller made the name up: nobody else can hold it. */
  hold(name) {
    if (this.webLocks === null) {
      this.held.set(name, () => {});
      return;
    }
    const released = new Promise((resolve) => this.held.set(name, resolve));
    this.webLocks.request(name, () => released).catch(() => {});
  }

  release(name) {
    this.held.get(name)?.();
    this.held.delete(name);
  }

  /** Runs `work` under the lock if nobody holds it. Resolves to whether it ran. */
  async ifFree(name, work) {
    if (this.webLocks !== null) {
      return this.webLocks.request(name, { ifAvailable: true }, (lock) => {
        if (lock !== null) work();
        return lock !== null;
      });
    }
    if (this.held.has(name) || (await this.#isHeldElsewhere(name))) return false;
    work();
    return true;
  }

  /** Resolves once nobody holds the lock; another tab may take it before the caller does. */
  async whenFree(name) {
    if (this.webLocks !== null) return this.webLocks.request(name, () => {});
    while (await this.#isHeldElsewhere(name)) await this.#pause(OwnerLocks.RETRY_MSEC);
  }

  #pause(msec) {
    return new Promise((resolve) => setTimeout(resolve, msec));
  }

  #answerOthers() {
    if (this.channel === null || this.webLocks !== null) return;
    this.asked = new Map(); // name -> resolve of the question under way
    this.channel.addEventListener("message", ({ data }) => {
      if (data.held !== undefined) this.asked.get(data.held)?.(true);
      if (data.who === undefined) return;
      // A tab that asks for the name itself calls it held: of two tabs that ask at once, never both take it.
      if (this.held.has(data.who) || this.asked.has(data.who)) this.channel.postMessage({ held: data.who });
    });
  }

  async #isHeldElsewhere(name) {
    if (this.channel === null) return false;
    const answer = new Promise((resolve) => this.asked.set(name, resolve));
    this.channel.postMessage({ who: name });
    const held = await Promise.race([answer, this.#pause(OwnerLocks.ANSWER_MSEC).then(() => false)]);
    this.asked.delete(name);
    return held;
  }
}
