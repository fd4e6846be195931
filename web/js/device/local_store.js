"use strict";

// What outlives the page. In localStorage: the account (user, server, token, cursor), shared by all tabs, and one
// outbox for each tab. In sessionStorage, for this tab alone: its drafts and the room that it shows. A browser that
// stores nothing (private mode, a full quota) still chats; it only forgets on reload.
//
// Each tab owns its outbox by holding a lock for as long as it lives, so that no two tabs resend the same message. An
// outbox whose lock is free belongs to nobody, and exactly one tab takes it over: the page after a reload, or another.

class LocalStore {
  static ACCOUNT = "wordpacket.account";
  static OUTBOX = "wordpacket.outbox.";
  static DRAFTS = "wordpacket.drafts";
  static LAST_TAB = "wordpacket.tab";
  static PLACE = "wordpacket.place";
  // A page that reloads claims its own outbox within this time; other tabs wait for it.
  static GRACE_MSEC = 2_000;

  /** `locks`: an OwnerLocks. `tab`: a random name for this tab's outbox. */
  constructor({ local, session, locks, tab }) {
    this.local = local;
    this.session = session;
    this.locks = locks;
    this.tab = tab;
    this.previous = this.#read(session, LocalStore.LAST_TAB);
    this.#write(session, LocalStore.LAST_TAB, tab);
    this.lastAccount = null;
    this.lastDrafts = null;
    this.watcher = null;
    locks.hold(this.#key(tab));
  }

  #key(tab) {
    return LocalStore.OUTBOX + tab;
  }

  #read(area, key) {
    try {
      return JSON.parse(area.getItem(key));
    } catch {
      return null; // blocked, or written by something else
    }
  }

  #write(area, key, value) {
    try {
      if (value === null) area.removeItem(key);
      else area.setItem(key, JSON.stringify(value));
      return true;
    } catch {
      return false;
    }
  }

  /** Returns the account of the last visit, or null. */
  account() {
    const account = this.#read(this.local, LocalStore.ACCOUNT);
    if (typeof account?.token !== "string" || typeof account.url !== "string") return null;
    return { ...account, ...this.#read(this.session, LocalStore.PLACE) }; // a new tab goes where another went last
  }

  saveAccount(account) {
    const text = JSON.stringify(account);
    if (text === this.lastAccount) return;
    this.lastAccount = text;
    this.#write(this.local, LocalStore.ACCOUNT, account);
    const { current, signedOut } = account;
    this.#write(this.session, LocalStore.PLACE, { current, signedOut });
  }

  /** Returns the drafts that `identity` left when this tab last showed the page: conversation key -> text. */
  drafts(identity) {
    const kept = this.#read(this.session, LocalStore.DRAFTS);
    return kept?.identity === identity ? kept.drafts : {};
  }

  saveDrafts(identity, drafts) {
    if (drafts === this.lastDrafts) return;
    this.lastDrafts = drafts;
    this.#write(this.session, LocalStore.DRAFTS, Object.keys(drafts).length === 0 ? null : { identity, drafts });
  }

  /** Stores this tab's unsent messages; call it before they are sent. Returns false if this browser stores nothing. */
  saveOutbox(url, identity, entries) {
    return this.#write(this.local, this.#key(this.tab), entries.length === 0 ? null : { url, identity, entries });
  }

  /** Lets go of this tab's outbox (the next sign-in is another user's) and starts an empty one named `tab`. */
  replaceOutbox(tab) {
    this.locks.release(this.#key(this.tab));
    this.tab = tab;
    this.#write(this.session, LocalStore.LAST_TAB, tab);
    this.locks.hold(this.#key(tab));
  }

  /**
   * Takes over the outboxes for server `url` that no tab owns, now and whenever a tab goes, and hands each to `adopt`
   * ({entries, identity}), which must store them (saveOutbox) before it returns.
   */
  watchOrphans(url, adopt) {
    const watched = new Set();
    removeEventListener("storage", this.watcher);
    const look = () => {
      for (let at = 0; at < this.local.length; at += 1) {
        const key = this.local.key(at);
        if (!key.startsWith(LocalStore.OUTBOX) || key === this.#key(this.tab) || watched.has(key)) continue;
        if (this.#read(this.local, key)?.url !== url) continue;
        watched.add(key);
        void this.#takeOver(key, adopt).finally(() => watched.delete(key));
      }
    };
    try {
      look();
    } catch {
      return; // localStorage is blocked: there is nothing to take over
    }
    this.watcher = (event) => {
      if (event.key?.startsWith(LocalStore.OUTBOX) && event.newValue !== null) look();
    };
    addEventListener("storage", this.watcher);
  }

  async #takeOver(key, adopt) {
    const take = () => {
      const left = this.#read(this.local, key);
      if (left !== null && Array.isArray(left.entries)) adopt(left);
      this.#write(this.local, key, null);
    };
    if (await this.locks.ifFree(key, take)) return;
    const own = this.previous !== null && key === this.#key(this.previous);
    for (;;) {
      await this.locks.whenFree(key);
      if (!own) await new Promise((resolve) => setTimeout(resolve, LocalStore.GRACE_MSEC));
      if (await this.locks.ifFree(key, take)) return;
    }
  }

  /** "Forget me": removes all that this page stored on this device, also the unsent messages of all tabs. */
  forget() {
    try {
      for (const key of Object.keys(this.local)) if (key.startsWith("wordpacket.")) this.local.removeItem(key);
      const own = [LocalStore.LAST_TAB, LocalStore.PLACE, LocalStore.DRAFTS];
      for (const key of own) this.session.removeItem(key);
    } catch {
      // Blocked storage holds nothing of ours.
    }
    this.lastAccount = null;
  }
}
