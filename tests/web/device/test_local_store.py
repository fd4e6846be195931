"""local_store.js: what outlives the page, on storages and locks of the test's own."""

from typing import Any

from playwright.sync_api import Page

BENCH = """const area = (items = {}) => ({
  items,
  get length() { return Object.keys(this.items).length; },
  key(at) { return Object.keys(this.items)[at]; },
  getItem(key) { return this.items[key] ?? null; },
  setItem(key, value) { this.items[key] = value; },
  removeItem(key) { delete this.items[key]; },
});
const locks = { held: new Set(), hold(name) { this.held.add(name); }, release(name) { this.held.delete(name); },
                async ifFree(name, work) { if (this.held.has(name)) return false; work(); return true; },
                whenFree: () => new Promise(() => {}) };
const local = area(), session = area();
const open = (tab, own = session) => new LocalStore({ local, session: own, locks, tab });
const settled = () => new Promise((resolve) => setTimeout(resolve));
"""
ACCOUNT = {"url": "ws://x/", "token": "t", "current": "#den", "signedOut": False}


def run(lab: Page, script: str, *args: Any) -> Any:
    return lab.evaluate(f"async (args) => {{ {BENCH} {script} }}", list(args))


def test_the_account_is_there_after_a_reload(lab: Page) -> None:
    """A new tab goes where another went last; a tab that has a place of its own goes there."""
    script = """open("a").saveAccount(args[0]);
      const other = area();
      open("b", other).saveAccount({ ...args[0], current: "#attic" });
      return [open("c").account().current, open("d", other).account().current, open("e", area()).account().current];"""
    assert run(lab, script, ACCOUNT) == ["#den", "#attic", "#attic"]


def test_what_something_else_wrote_is_no_account(lab: Page) -> None:
    script = """return args.map((text) => {
      local.items[LocalStore.ACCOUNT] = text;
      return open("a").account();
    });"""
    assert run(lab, script, "no JSON", "7", "null", '{"token":"t"}', '{"url":"ws://x/","token":1}') == [None] * 5


def test_drafts_are_their_authors(lab: Page) -> None:
    script = """const store = open("a");
      store.saveDrafts("alice since 1", { "#den": "begun" });
      return [open("b").drafts("alice since 1"), open("c").drafts("bob since 2")];"""
    assert run(lab, script) == [{"#den": "begun"}, {}]


def test_an_outbox_that_no_tab_owns_is_taken_over_once(lab: Page) -> None:
    """That of this server; a held one stays with its tab."""
    script = """for (const [tab, url] of [["gone", "ws://x/"], ["far", "ws://y/"], ["held", "ws://x/"]]) {
        open(tab, area()).saveOutbox(url, "alice", [{ ref: tab }]);
        if (tab !== "held") locks.release(LocalStore.OUTBOX + tab);
      }
      const adopted = [];
      const store = open("mine", area());
      store.watchOrphans("ws://x/", ({ entries, identity }) => adopted.push([identity, entries[0].ref]));
      store.watchOrphans("ws://x/", () => adopted.push("again"));
      await settled();
      return [adopted, Object.keys(local.items).sort()];"""
    adopted, left = run(lab, script)
    assert [one for one in adopted if one != "again"] == [["alice", "gone"]]
    assert left == ["wordpacket.outbox.far", "wordpacket.outbox.held"]


def test_an_empty_outbox_leaves_nothing(lab: Page) -> None:
    script = """const store = open("a");
      store.saveOutbox("ws://x/", "alice", [{ ref: "r" }]);
      const kept = Object.keys(local.items).length;
      return [kept, store.saveOutbox("ws://x/", "alice", []), Object.keys(local.items).length];"""
    assert run(lab, script) == [1, True, 0]


def test_another_user_gets_an_outbox_of_their_own(lab: Page) -> None:
    """The one before is let go of, and stays for whoever it belongs to."""
    script = """const store = open("a");
      store.saveOutbox("ws://x/", "alice", [{ ref: "r" }]);
      store.replaceOutbox("b");
      store.saveOutbox("ws://x/", "bob", [{ ref: "s" }]);
      return [[...locks.held], Object.keys(local.items).sort()];"""
    held, kept = run(lab, script)
    assert held == ["wordpacket.outbox.b"]
    assert kept == ["wordpacket.outbox.a", "wordpacket.outbox.b"]


def test_forget_leaves_nothing_of_ours_and_all_of_others(lab: Page) -> None:
    script = """local.items.other = "x";
      const store = open("a");
      store.saveAccount(args[0]);
      store.saveDrafts("alice", { "#den": "begun" });
      Object.assign(local, local.items);
      store.forget();
      return [Object.keys(local.items), Object.keys(session.items)];"""
    assert run(lab, script, ACCOUNT) == [["other"], []]


def test_blocked_storage_is_said(lab: Page) -> None:
    """Saving returns whether it is kept; reading finds nothing; nothing throws."""
    script = """const fail = () => { throw new DOMException("blocked", "SecurityError"); };
      const blocked = { get length() { return fail(); }, key: fail, getItem: fail, setItem: fail, removeItem: fail };
      const store = new LocalStore({ local: blocked, session: blocked, locks, tab: "a" });
      store.saveAccount(args[0]);
      store.watchOrphans("ws://x/", fail);
      store.forget();
      return [store.saveOutbox("ws://x/", "alice", [{ ref: "r" }]), store.account(), store.drafts("alice")];"""
    assert run(lab, script, ACCOUNT) == [False, None, {}]
