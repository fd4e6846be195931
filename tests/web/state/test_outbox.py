"""outbox.js: a message stays until its echo, is sent once on a connection, and never overtakes another."""

from typing import Any

from playwright.sync_api import Page

PRELUDE = """
  const target = { room: "lobby" };
  const write = (box, ref, at = 0) => Outbox.add(box, { ref, target, message: ref, action: false, at });
  const refs = (entries) => entries.map((entry) => entry.ref);
  const send = (box, now = 0) => {
    const next = Outbox.due(box, now);
    return next === null ? [box, null] : [Outbox.markSent(box, next.ref), next.ref];
  };
  let sent;
  let box = write(write(write([], "a"), "b"), "c");
"""


def run(lab: Page, script: str) -> Any:
    return lab.evaluate("() => {" + PRELUDE + script + "}")


def test_one_is_on_its_way_at_a_time(lab: Page) -> None:
    """The next follows the echo: so a connection that breaks in between can't turn their order round."""
    script = """
      const order = [];
      for (const ref of ["a", "b", "c"]) {
        [box, sent] = send(box);
        order.push(sent, send(box)[1]);
        box = Outbox.settle(box, ref);
      }
      return [order, refs(box)];
    """
    assert run(lab, script) == [["a", None, "b", None, "c", None], []]


def test_the_echo_ends_it(lab: Page) -> None:
    assert run(lab, "return refs(Outbox.settle(box, 'b'))") == ["a", "c"]


def test_a_foreign_ref_changes_nothing(lab: Page) -> None:
    assert run(lab, "return Outbox.settle(box, 'x') === box && Outbox.settle(box, undefined) === box")


def test_a_new_link_sends_again_what_has_no_echo(lab: Page) -> None:
    assert run(lab, "[box] = send(box); return [send(box)[1], send(Outbox.unsend(box))[1]];") == [None, "a"]


def test_a_refused_one_waits_for_the_person_and_holds_nothing_up(lab: Page) -> None:
    script = """
      [box] = send(box);
      box = Outbox.fail(box, "a", "no");
      [box, sent] = send(Outbox.unsend(box));
      box = Outbox.retry(Outbox.settle(box, sent), "a");
      return [sent, send(box)[1]];
    """
    assert run(lab, script) == ["b", "a"]


def test_a_postponed_one_holds_up_those_behind_it(lab: Page) -> None:
    """Order is kept: what was typed later isn't sent before what has to wait."""
    script = """
      [box] = send(box);
      box = Outbox.postpone(box, "a", "slowly", 100);
      const waits = Outbox.nextDue(box);
      return [waits, send(box, waits - 1)[1], send(box, waits)[1]];
    """
    assert run(lab, script) == [1_100, None, "a"]


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
      [box] = send(box);
      box = Outbox.disown(Outbox.unsend(box), "was somebody else");
      return box.map((entry) => [entry.ref, entry.state]);
    """
    assert run(lab, script) == [["a", "failed"], ["b", "pending"], ["c", "pending"]]


def test_adopting_takes_each_once_and_unsent(lab: Page) -> None:
    script = """
      const [left] = send(write([], "z"));
      box = Outbox.adopt(Outbox.adopt(box, left), left);
      return [refs(box), send(box)[1]];
    """
    assert run(lab, script) == [["z", "a", "b", "c"], "z"]


def test_the_packet(lab: Page) -> None:
    script = "return JSON.parse(Wire.format(Outbox.packet(box[0])));"
    assert run(lab, script) == {"type": "MSG", "room": "lobby", "message": "a", "ref": "a"}
