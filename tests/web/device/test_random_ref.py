"""random_ref.js: refs that nobody guesses and nothing repeats."""

import functools
import operator

from playwright.sync_api import Page


def test_refs_are_long_and_never_the_same(lab: Page) -> None:
    """A ref has at least 64 random bits (section 5); ours has 128."""
    refs = lab.evaluate("Array.from({length: 2000}, () => randomRef())")
    assert len(set(refs)) == 2000
    assert all(len(ref) == 32 and int(ref, 16) >= 0 for ref in refs)
    # Every one of the 128 bits is seen both set and clear; 2000 refs miss one with a chance of 2^-1992.
    numbers = [int(ref, 16) for ref in refs]
    assert functools.reduce(operator.or_, numbers) == 2**128 - 1
    assert functools.reduce(operator.and_, numbers) == 0
