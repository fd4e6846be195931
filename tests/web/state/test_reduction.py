"""reduction.js: one event's work on the state, by values."""

from typing import Any

from playwright.sync_api import Page


def reduce(lab: Page, steps: str) -> Any:
    """Run steps on a Reduction of the initial state; `at` is 50."""
    return lab.evaluate(f"() => {{ const reduction = new Reduction(initialState(), 50); {steps} }}")


ROOMS = """for (const name of ["den", "attic"]) reduction.put(Conversations.create({ kind: "room", name }, 1));"""


def test_the_state_before_is_left_alone(lab: Page) -> None:
    """A handler replaces parts of the state; whoever holds the one before still has it."""
    script = f"""const before = reduction.state; const frozen = JSON.stringify(before); {ROOMS}
      reduction.look("#den"); reduction.note("hello"); reduction.ask({{ type: "PING" }}, {{ what: "sync" }});
      return JSON.stringify(before) === frozen && reduction.state !== before;"""
    assert reduce(lab, script)


def test_an_answer_is_found_once(lab: Page) -> None:
    script = """const ref = reduction.ask({ type: "ROOMS" }, { what: "directory" });
      return [reduction.effects, reduction.answered(ref), reduction.answered(ref), reduction.answered(undefined),
              reduction.answered("constructor")];"""
    effects, *answers = reduce(lab, script)
    assert effects == [{"do": "send", "packet": {"type": "ROOMS", "ref": "ask-1"}}]
    asked = {"what": "directory", "packet": {"type": "ROOMS", "ref": "ask-1"}}
    assert answers == [asked, None, None, None]


def test_an_illegal_move_throws(lab: Page) -> None:
    script = "try { reduction.move('caughtUp'); } catch (fault) { return fault.message; }"
    assert reduce(lab, script) == 'a connection that is stopped takes no "caughtUp"'


def test_a_dropped_conversation_hands_on_to_the_first(lab: Page) -> None:
    script = f"""{ROOMS} reduction.look("#den"); reduction.drop("#den"); const next = reduction.state.current;
      reduction.drop("#attic"); return [next, reduction.state.current];"""
    assert reduce(lab, script) == ["#attic", None]


def test_a_room_with_unsent_messages_stays_to_show_them(lab: Page) -> None:
    """Also when another session left it."""
    script = f"""{ROOMS}
      const entry = {{ ref: "r", target: {{ room: "Den" }}, message: "x", at: 1 }};
      reduction.set({{ outbox: Outbox.add([], entry) }});
      reduction.leave("#den"); reduction.leave("#attic");
      return Object.values(reduction.state.conversations).map(({{ key, joined }}) => [key, joined]);"""
    assert reduce(lab, script) == [["#den", False]]


def test_the_outbox_waits_until_it_is_live(lab: Page) -> None:
    script = """reduction.set({ outbox: Outbox.add([], { ref: "r", target: { room: "den" }, message: "x", at: 1 }) });
      reduction.flush(); const before = reduction.effects.length;
      reduction.setConnection({ phase: "live" }); reduction.flush(); reduction.flush();
      return [before, reduction.effects.map(({ packet }) => packet.type)];"""
    assert reduce(lab, script) == [0, ["MSG"]]


def test_a_note_without_a_conversation_is_still_the_last(lab: Page) -> None:
    assert reduce(lab, "reduction.note('hello', 'error'); return reduction.state.lastNote;") == {
        "text": "hello",
        "tone": "error",
        "serial": 1,
    }
