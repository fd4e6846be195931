"""owner_locks.js: a lock has one holder, by Web Locks and, where there are none, by asking the other tabs."""

import pytest
from playwright.sync_api import Page

# Two tabs; without Web Locks they hear each other over a channel each, as in a browser.
TABS = """const tab = () => new OwnerLocks(
  web ? { webLocks: navigator.locks } : { channel: new BroadcastChannel("test of owner locks") },
);
const [one, other] = [tab(), tab()];
const name = `lock-${crypto.randomUUID()}`;
const take = async (locks) => { let ran = false; const said = await locks.ifFree(name, () => { ran = true; });
                                return [said, ran]; };
"""


@pytest.mark.parametrize("web", [True, False], ids=["web locks", "channel"])
def test_a_held_lock_is_free_once_it_is_released(lab: Page, web: bool) -> None:
    """Until then nobody else runs anything under it; whoever waits for it goes on then."""
    script = f"""async (web) => {{ {TABS}
      one.hold(name);
      const held = await take(other);
      one.release(name);
      await other.whenFree(name);
      return [held, await take(other)];
    }}"""
    assert lab.evaluate(script, web) == [[False, False], [True, True]]


def test_a_tab_does_not_take_its_own_lock_twice(lab: Page) -> None:
    script = f"async (web) => {{ {TABS} one.hold(name); return take(one); }}"
    assert lab.evaluate(script, False) == [False, False]


def test_without_any_means_every_lock_is_free(lab: Page) -> None:
    """Two tabs may then send one message: its one `ref` is logged once."""
    script = """async () => {
      const [one, other] = [new OwnerLocks({}), new OwnerLocks({})];
      one.hold("x");
      return other.ifFree("x", () => {});
    }"""
    assert lab.evaluate(script) is True
