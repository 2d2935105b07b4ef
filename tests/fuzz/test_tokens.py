"""The suite's share of the token proof; `scripts/fuzz-tokens` runs all of it, coverage-guided mutants included."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tests.fuzz.mutants import KINDS, FromBytes
from tests.fuzz.token_checks import Target, entry_point

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MEGABYTE = 10**6


@pytest.fixture(scope="module")
def target(bundles: Path) -> Iterator[Target]:
    with entry_point(bundles):
        yield Target()


@examples(deadline=None, max_examples=300)
@given(data=st.data())
def test_no_mutant_is_accepted_or_fails_a_request(target: Target, data: st.DataObject) -> None:
    def choose(below: int) -> int:
        return data.draw(st.integers(0, below - 1))

    target.check(target.mutator.mutant(choose))


@examples(deadline=None, max_examples=300)
@given(data=st.binary(max_size=64))
def test_the_fuzzers_bytes_make_mutants_that_hold(target: Target, data: bytes) -> None:
    target.check(target.mutator.mutant(FromBytes(data)))


def test_every_kind_is_tried_and_no_token_takes_much_memory(target: Target) -> None:
    tried = {}
    for seed in range(800):
        mutant = target.mutator.mutant(random.Random(seed).randrange)
        tried[mutant.kind] = max(target.check(mutant).peak_bytes, tried.get(mutant.kind, 0))
    assert tried.keys() == {*KINDS}
    assert max(tried.values()) < 30 * MEGABYTE
