"""outbox.js: a message stays until its echo, is sent once on a link, and never overtakes another."""

from typing import Any

from playwright.sync_api import Page

PRELUDE = """
  const target = { room: "lobby" };
  const write = (box, ref, at = 0) => Outbox.add(box, { ref, target, message: ref, action: false, at });
  const refs = (entries) => entries.map((entry) => entry.ref);
  const flush = (box, now = 0) => { const due = Outbox.due(box, now); return [Outbox.markSent(box, due), refs(due)]; };
  let box = write(write(write([], "a"), "b"), "c");
"""


def run(lab: Page, script: str) -> Any:
    return lab.evaluate("() => {" + PRELUDE + script + "}")


def test_each_is_sent_once_on_a_link(lab: Page) -> None:
    script = "const [one, first] = flush(box); const [, again] = flush(one); return [first, again];"
    assert run(lab, script) == [["a", "b", "c"], []]


def test_the_echo_ends_it(lab: Page) -> None:
    assert run(lab, "return refs(Outbox.settle(box, 'b'))") == ["a", "c"]


def test_a_foreign_ref_changes_nothing(lab: Page) -> None:
    assert run(lab, "return Outbox.settle(box, 'x') === box && Outbox.settle(box, undefined) === box")


def test_a_new_link_sends_again_what_has_no_echo(lab: Page) -> None:
    script = "[box] = flush(box); box = Outbox.unsend(Outbox.settle(box, 'a')); return flush(box)[1];"
    assert run(lab, script) == ["b", "c"]


def test_a_refused_one_waits_for_the_person(lab: Page) -> None:
    script = """
      [box] = flush(box);
      box = Outbox.unsend(Outbox.fail(box, "b", "no"));
      const meanwhile = flush(box)[1];
      box = Outbox.retry(box, "b");
      return [meanwhile, flush(box)[1]];
    """
    assert run(lab, script) == [["a", "c"], ["a", "b", "c"]]


def test_a_postponed_one_holds_up_those_behind_it(lab: Page) -> None:
    """Order is kept: what was typed later isn't sent before what has to wait."""
    script = """
      [box] = flush(box);
      box = Outbox.postpone(box, "b", "slowly", 100);
      box = write(box, "d");
      const waits = Outbox.nextDue(box);
      return [waits, flush(box, waits - 1)[1], flush(box, waits)[1]];
    """
    assert run(lab, script) == [1_100, [], ["b", "d"]]


def test_postponing_waits_longer_each_time_up_to_half_a_minute(lab: Page) -> None:
    script = """
      const waits = [];
      for (let n = 0; n < 7; n += 1) {
        box = Outbox.postpone(box, "a", "slowly", 0);
        waits.push(Outbox.nextDue(box));
      }
      return waits;
    """
    assert run(lab, script) == [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]


def test_a_new_user_does_not_resend_what_may_be_logged(lab: Page) -> None:
    """Sent before under another uid, it could be shown twice; what was never sent can't."""
    script = """
      [box] = flush(box);
      box = Outbox.disown(write(Outbox.unsend(box), "d"), "was somebody else");
      return box.map((entry) => [entry.ref, entry.state]);
    """
    assert run(lab, script) == [["a", "failed"], ["b", "failed"], ["c", "failed"], ["d", "pending"]]


def test_adopting_takes_each_once_and_unsent(lab: Page) -> None:
    script = """
      const [left] = flush(write([], "z"));
      box = Outbox.adopt(Outbox.adopt(box, left), left);
      return [refs(box), flush(box)[1]];
    """
    assert run(lab, script) == [["z", "a", "b", "c"], ["z", "a", "b", "c"]]


def test_the_packet(lab: Page) -> None:
    script = "return JSON.parse(Wire.format(Outbox.packet(box[0])));"
    assert run(lab, script) == {"type": "MSG", "room": "lobby", "message": "a", "ref": "a"}
