"use strict";

// What outlives the page. In localStorage: one account for each person (server and nickname) who signed in on this
// device, and one outbox for each tab. In sessionStorage, for this tab alone: whose tab it is, which room it shows, and
// its drafts. A browser that stores nothing (private mode, a full quota) still chats; it only forgets on reload.
//
// Rule 1: a tab is who signed in in it. What another tab stores changes this tab only if it is the same person's.
//
// Each tab owns its outbox by holding a lock for as long as it lives, so that no two tabs resend the same message. An
// outbox whose lock is free belongs to no tab, and exactly one tab of the same person takes it over: the page after a
// reload, or another.

class LocalStore {
  static ACCOUNT = "wordpacket.account";
  static PEOPLE = "wordpacket.people"; // the keys of the accounts, the last sign-in first; null: forgotten since
  static MOST_PEOPLE = 16; // of a browser that many share; whoever wasn't here for longest is forgotten
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
    this.own = null; // the key of the account that this tab stores
    this.lastAccount = null;
    this.lastDrafts = null;
    this.watcher = null;
    locks.hold(this.#key(tab));
    this.#migrate();
  }

  /** The key of a person's account: the same for every spelling of the nickname. */
  static accountKey({ url, nickname }) {
    return `${LocalStore.ACCOUNT}.${JSON.stringify([url, Names.fold(nickname)])}`;
  }

  static isAccountKey(key) {
    return key.startsWith(`${LocalStore.ACCOUNT}.`);
  }

  /** An older page had one account for all tabs, under a key without a person. */
  #migrate() {
    const account = Stored.account(this.#read(this.local, LocalStore.ACCOUNT));
    this.#write(this.local, LocalStore.ACCOUNT, null);
    if (account === null) return;
    const key = LocalStore.accountKey(account);
    if (this.read(key) !== null) return;
    this.#write(this.local, key, account);
    this.#cameLast(key);
  }

  #people() {
    const people = this.#read(this.local, LocalStore.PEOPLE);
    const isPerson = (key) => key === null || (typeof key === "string" && LocalStore.isAccountKey(key));
    return Array.isArray(people) ? people.filter(isPerson) : [];
  }

  /** Puts the key of an account (null: somebody was forgotten, and a new tab is nobody's) in front. */
  #cameLast(key) {
    const people = [key, ...this.#people().filter((one) => one !== key && one !== null)];
    for (const one of people.slice(LocalStore.MOST_PEOPLE)) this.#write(this.local, one, null);
    this.#write(this.local, LocalStore.PEOPLE, people.slice(0, LocalStore.MOST_PEOPLE));
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

  /** Returns the keys in localStorage that begin so. */
  #keys(prefix) {
    const found = [];
    try {
      for (let at = 0; at < this.local.length; at += 1) {
        const key = this.local.key(at);
        if (key.startsWith(prefix)) found.push(key);
      }
    } catch {
      // Blocked storage holds nothing of ours.
    }
    return found;
  }

  /** Returns the account under this key, or null. */
  read(key) {
    const account = Stored.account(this.#read(this.local, key));
    return account !== null && LocalStore.accountKey(account) === key ? account : null;
  }

  /**
   * Returns the account that this tab comes back with, or null: its own, else that of the last sign-in. `url`: that
   * server's alone; null: any.
   */
  account(url = null) {
    const place = Stored.place(this.#read(this.session, LocalStore.PLACE));
    for (const key of [...(place.account === undefined ? [] : [place.account]), ...this.#people()]) {
      if (key === null) return null;
      const account = this.read(key);
      if (account === null || (url !== null && account.url !== url)) continue;
      const { current = account.current, signedOut = account.signedOut } = place;
      // A new tab, and one whose person was forgotten, goes where another tab went last.
      return place.account === undefined || place.account === key ? { ...account, current, signedOut } : account;
    }
    return null;
  }

  /** Returns the account of a person who signed in on this device before, or null. */
  accountOf(person) {
    return this.read(LocalStore.accountKey(person));
  }

  /** Whether an account of this identity is kept, under whatever nickname. */
  knows(identity) {
    return this.#keys(`${LocalStore.ACCOUNT}.`).some((key) => this.read(key)?.identity === identity);
  }

  saveAccount(account) {
    const text = JSON.stringify(account);
    if (text === this.lastAccount) return;
    this.lastAccount = text;
    const key = LocalStore.accountKey(account);
    this.#write(this.local, key, account);
    if (key !== this.own) {
      // After a rename the account under the former nickname goes, and only once the new one is there.
      if (this.own !== null && this.read(this.own)?.identity === account.identity)
        this.#write(this.local, this.own, null);
      this.#cameLast(key);
      this.own = key;
    }
    const { current, signedOut } = account;
    this.#write(this.session, LocalStore.PLACE, { account: key, current, signedOut });
  }

  /** Returns the drafts that `identity` left when this tab last showed the page: conversation key -> text. */
  drafts(identity) {
    const kept = Stored.drafts(this.#read(this.session, LocalStore.DRAFTS));
    return kept.identity === identity ? kept.drafts : {};
  }

  saveDrafts(identity, drafts) {
    if (drafts === this.lastDrafts) return;
    this.lastDrafts = drafts;
    this.#write(this.session, LocalStore.DRAFTS, Object.keys(drafts).length === 0 ? null : { identity, drafts });
  }

  /** Stores this tab's unsent messages; call it before they are sent. Returns false if this browser stores nothing. */
  saveOutbox({ url, nickname, identity }, entries) {
    const kept = entries.length === 0 ? null : { url, nickname, identity, entries };
    return this.#write(this.local, this.#key(this.tab), kept);
  }

  /** Lets go of this tab's outbox (the next sign-in is another user's) and starts an empty one named `tab`. */
  replaceOutbox(tab) {
    this.locks.release(this.#key(this.tab));
    this.tab = tab;
    this.#write(this.session, LocalStore.LAST_TAB, tab);
    this.locks.hold(this.#key(tab));
  }

  /**
   * Takes over the outboxes that no tab owns and that are `isOurs` ({url, nickname, identity}), now and whenever a tab
   * goes, and hands each to `adopt` ({entries, identity}), which must store them (saveOutbox) before it returns.
   */
  watchOrphans(isOurs, adopt) {
    const watched = new Set();
    removeEventListener("storage", this.watcher);
    const look = () => {
      for (const key of this.#keys(LocalStore.OUTBOX)) {
        if (key === this.#key(this.tab) || watched.has(key)) continue;
        const left = Stored.outbox(this.#read(this.local, key));
        if (left === null || !isOurs(left)) continue;
        watched.add(key);
        void this.#takeOver(key, isOurs, adopt).finally(() => watched.delete(key));
      }
    };
    look();
    this.watcher = (event) => {
      if (event.key?.startsWith(LocalStore.OUTBOX) && event.newValue !== null) look();
    };
    addEventListener("storage", this.watcher);
  }

  async #takeOver(key, isOurs, adopt) {
    const take = () => {
      const left = Stored.outbox(this.#read(this.local, key));
      // While this tab waited, another person may have signed in in it.
      if (left === null || !isOurs(left)) return;
      adopt(left);
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

  /** "Forget me": removes all that is stored of a person on this device, also the unsent messages of all tabs. */
  forget(person) {
    const key = LocalStore.accountKey(person);
    const theirs = ({ url, nickname, identity }) =>
      identity === person.identity || (url === person.url && Names.same(nickname, person.nickname));
    for (const outbox of this.#keys(LocalStore.OUTBOX)) {
      const left = Stored.outbox(this.#read(this.local, outbox));
      if (left === null || theirs(left)) this.#write(this.local, outbox, null);
    }
    this.#write(this.local, key, null);
    const others = this.#people().filter((one) => one !== key && one !== null);
    this.#write(this.local, LocalStore.PEOPLE, others.length === 0 ? null : [null, ...others]);
    this.forgetTab();
  }

  /** Removes what this tab stored for itself. */
  forgetTab() {
    for (const key of [LocalStore.LAST_TAB, LocalStore.PLACE, LocalStore.DRAFTS]) this.#write(this.session, key, null);
    this.own = null;
    this.lastAccount = null;
    this.lastDrafts = null;
  }
}
