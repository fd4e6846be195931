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
ACCOUNT = {
    "url": "ws://x/",
    "nickname": "Alice",
    "identity": "Alice since 1",
    "token": "t",
    "epoch": "e",
    "after": 7,
    "rooms": ["den", "attic"],
    "directs": ["bob"],
    "unread": {"#attic": {"unread": 2, "mentions": 0, "divider": 5}},
    "current": "#den",
    "signedOut": False,
}
BOB = {**ACCOUNT, "nickname": "bob", "identity": "bob since 2", "token": "u"}
ENTRY = {"ref": "r", "room": "den", "message": "x", "at": 1, "state": "pending"}
OWNER = {"url": "ws://x/", "nickname": "Alice", "identity": "Alice since 1"}


def run(lab: Page, script: str, *args: Any) -> Any:
    return lab.evaluate(f"async (args) => {{ {BENCH} {script} }}", list(args))


def test_the_account_is_there_after_a_reload(lab: Page) -> None:
    """A new tab goes where another went last; a tab that has a place of its own goes there."""
    script = """open("a").saveAccount(args[0]);
      const other = area();
      open("b", other).saveAccount({ ...args[0], current: "#attic" });
      return [open("c").account().current, open("d", other).account().current, open("e", area()).account().current];"""
    assert run(lab, script, ACCOUNT) == ["#den", "#attic", "#attic"]


def test_each_tab_comes_back_as_its_own_person(lab: Page) -> None:
    """Whoever signed in last elsewhere; a new tab is the last one's, and a page of another server nobody's."""
    script = """const other = area();
      open("a").saveAccount(args[0]);
      open("b", other).saveAccount(args[1]);
      const back = [open("c").account(), open("d", other).account(), open("e", area()).account()];
      return [back.map((one) => one.nickname), open("f").account("ws://y/"),
              open("g").accountOf({ url: "ws://x/", nickname: "ALICE" }).token];"""
    assert run(lab, script, ACCOUNT, BOB) == [["Alice", "bob", "bob"], None, "t"]


def test_a_new_tab_after_forget_is_nobodys(lab: Page) -> None:
    """Nobody is signed in as the person before; a tab of that person still is."""
    script = """const bobs = area(), alices = area();
      open("a", bobs).saveAccount(args[1]);
      const store = open("b", alices);
      store.saveAccount(args[0]);
      store.forget(args[0]);
      return [open("c", alices).account(), open("d", area()).account(), open("e", bobs).account().nickname];"""
    assert run(lab, script, ACCOUNT, BOB) == [None, None, "bob"]


def test_a_browser_remembers_so_many_people(lab: Page) -> None:
    """The one whose last sign-in is longest ago goes."""
    script = """for (let number = 0; number < 17; number += 1) {
        open(`${number}`, area()).saveAccount({ ...args[0], nickname: `n${number}` });
        if (number === 1) open("again", area()).saveAccount({ ...args[0], nickname: "n0" });
      }
      const kept = Object.keys(local.items).filter((key) => LocalStore.isAccountKey(key));
      return [kept.length, open("x").accountOf({ url: args[0].url, nickname: "n1" })];"""
    assert run(lab, script, ACCOUNT) == [16, None]


def test_a_rename_moves_the_account(lab: Page) -> None:
    """The former key goes once the new one is there, so that other tabs of the person see a rename in it."""
    script = """const store = open("a");
      store.saveAccount(args[0]);
      store.saveAccount({ ...args[0], nickname: "alicia" });
      return [store.accountOf(args[0]), store.accountOf({ ...args[0], nickname: "alicia" }).token,
              store.knows(args[0].identity), store.knows("nobody since 0")];"""
    assert run(lab, script, ACCOUNT) == [None, "t", True, False]


def test_another_person_in_the_same_tab_keeps_the_first_ones_account(lab: Page) -> None:
    script = """const store = open("a");
      store.saveAccount(args[0]);
      store.saveAccount(args[1]);
      return [store.accountOf(args[0]).nickname, store.account().nickname];"""
    assert run(lab, script, ACCOUNT, BOB) == ["Alice", "bob"]


def test_the_account_of_an_older_page_is_taken_over(lab: Page) -> None:
    """It stood under one key for everybody; its tab's place named no person."""
    script = """local.items["wordpacket.account"] = JSON.stringify(args[0]);
      session.items["wordpacket.place"] = JSON.stringify({ current: "#attic", signedOut: false });
      const { nickname, current } = open("a").account();
      return [nickname, current, "wordpacket.account" in local.items];"""
    assert run(lab, script, ACCOUNT) == ["Alice", "#attic", False]


def test_what_something_else_wrote_is_no_account(lab: Page) -> None:
    """Neither under the key of old nor under a person's."""
    script = """return args.flatMap((text) => {
      const key = LocalStore.accountKey({ url: "ws://x/", nickname: "alice" });
      local.items[LocalStore.ACCOUNT] = text;
      local.items[LocalStore.PEOPLE] = JSON.stringify([key, 7]);
      local.items[key] = text;
      return [open("a").account(), open("b").accountOf({ url: "ws://x/", nickname: "alice" })];
    });"""
    damaged = ["no JSON", "7", "null", "[]", '{"token":"t"}', '{"url":"ws://x/","token":1,"nickname":"alice"}']
    assert run(lab, script, *damaged) == [None] * 12


def test_drafts_are_their_authors(lab: Page) -> None:
    script = """const store = open("a");
      store.saveDrafts("alice since 1", { "#den": "begun" });
      return [open("b").drafts("alice since 1"), open("c").drafts("bob since 2")];"""
    assert run(lab, script) == [{"#den": "begun"}, {}]


def test_an_outbox_that_no_tab_owns_is_taken_over_once(lab: Page) -> None:
    """That of this server; a held one stays with its tab."""
    script = """for (const [tab, url] of [["gone", "ws://x/"], ["far", "ws://y/"], ["held", "ws://x/"]]) {
        open(tab, area()).saveOutbox({ ...args[0], url }, [{ ...args[1], ref: tab }]);
        if (tab !== "held") locks.release(LocalStore.OUTBOX + tab);
      }
      const adopted = [];
      const store = open("mine", area());
      const isOurs = ({ url }) => url === "ws://x/";
      store.watchOrphans(isOurs, ({ entries, identity }) => adopted.push([identity, entries[0].ref]));
      store.watchOrphans(isOurs, () => adopted.push("again"));
      await settled();
      return [adopted, Object.keys(local.items).sort()];"""
    adopted, left = run(lab, script, OWNER, ENTRY)
    assert [one for one in adopted if one != "again"] == [["Alice since 1", "gone"]]
    assert left == ["wordpacket.outbox.far", "wordpacket.outbox.held"]


def test_a_tab_that_waited_for_an_outbox_may_be_somebody_elses_by_then(lab: Page) -> None:
    """What was left stays for whom it belongs to."""
    script = """open("gone", area()).saveOutbox(args[0], [args[1]]);
      locks.release(LocalStore.OUTBOX + "gone");
      let isOurs = true;
      locks.ifFree = async (name, work) => { isOurs = false; work(); return true; };
      const adopted = [];
      open("mine", area()).watchOrphans(() => isOurs, (left) => adopted.push(left));
      await settled();
      return [adopted, Object.keys(local.items)];"""
    assert run(lab, script, OWNER, ENTRY) == [[], ["wordpacket.outbox.gone"]]


def test_an_empty_outbox_leaves_nothing(lab: Page) -> None:
    script = """const store = open("a");
      store.saveOutbox(args[0], [{ ref: "r" }]);
      const kept = Object.keys(local.items).length;
      return [kept, store.saveOutbox(args[0], []), Object.keys(local.items).length];"""
    assert run(lab, script, OWNER) == [1, True, 0]


def test_another_user_gets_an_outbox_of_their_own(lab: Page) -> None:
    """The one before is let go of, and stays for whoever it belongs to."""
    script = """const store = open("a");
      store.saveOutbox(args[0], [{ ref: "r" }]);
      store.replaceOutbox("b");
      store.saveOutbox({ ...args[0], nickname: "bob", identity: "bob since 2" }, [{ ref: "s" }]);
      return [[...locks.held], Object.keys(local.items).sort()];"""
    held, kept = run(lab, script, OWNER)
    assert held == ["wordpacket.outbox.b"]
    assert kept == ["wordpacket.outbox.a", "wordpacket.outbox.b"]


def test_forget_leaves_nothing_of_the_person_and_all_of_others(lab: Page) -> None:
    """The unsent messages of all tabs of the person go too, under a former nickname as well."""
    script = """local.items.other = "x";
      const [alice, bob] = args;
      open("b", area()).saveAccount(bob);
      open("c", area()).saveOutbox(bob, [args[2]]);
      open("d", area()).saveOutbox({ ...alice, nickname: "former" }, [args[2]]);
      const store = open("a");
      store.saveAccount(alice);
      store.saveOutbox(alice, [args[2]]);
      store.saveDrafts(alice.identity, { "#den": "begun" });
      store.forget(alice);
      return [Object.keys(local.items).sort(), Object.keys(session.items)];"""
    kept, own = run(lab, script, ACCOUNT, BOB, ENTRY)
    assert kept == ["other", 'wordpacket.account.["ws://x/","bob"]', "wordpacket.outbox.c", "wordpacket.people"]
    assert own == []


def test_blocked_storage_is_said(lab: Page) -> None:
    """Saving returns whether it is kept; reading finds nothing; nothing throws."""
    script = """const fail = () => { throw new DOMException("blocked", "SecurityError"); };
      const blocked = { get length() { return fail(); }, key: fail, getItem: fail, setItem: fail, removeItem: fail };
      const store = new LocalStore({ local: blocked, session: blocked, locks, tab: "a" });
      store.saveAccount(args[0]);
      store.watchOrphans(() => true, fail);
      store.forget(args[0]);
      return [store.saveOutbox(args[0], [{ ref: "r" }]), store.account(), store.drafts("alice")];"""
    assert run(lab, script, ACCOUNT) == [False, None, {}]
