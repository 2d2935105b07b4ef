"""Sets of labels: what is left is counted right, and draws are even, unseen and complete."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from handler.products.labels import LabelSet

LABELS = st.sets(st.integers(0, 500), max_size=60)


def label_set(labels: set[int]) -> LabelSet:
    return LabelSet(np.asarray(sorted(labels, key=str), dtype=np.int64))


@examples(deadline=None)
@given(labels=LABELS, shown=st.sets(st.integers(0, 2_000), max_size=80))
def test_it_is_the_set_of_its_labels(labels: set[int], shown: set[int]) -> None:
    ours = label_set(labels)
    assert len(ours) == len(labels)
    assert {label for label in range(-5, 600) if label in ours} == labels
    assert ours.without(shown).tolist() == sorted(labels - shown)
    assert ours.count_without(shown) == len(labels - shown)


@examples(deadline=None)
@given(labels=LABELS, shown=LABELS, count=st.integers(0, 70), seed=st.integers(0, 99))
def test_a_draw_is_unseen_has_no_doubles_and_takes_all_that_is_left(
    labels: set[int], shown: set[int], count: int, seed: int
) -> None:
    drawn = label_set(labels).draw(count, shown, random.Random(seed))
    assert len(drawn) == len(set(drawn)) == min(count, len(labels - shown))
    assert set(drawn) <= labels - shown


@pytest.mark.parametrize("seen", [10, 25], ids=["by rejection", "by listing"])
def test_every_unseen_product_has_the_same_chance(seen: int) -> None:
    """40 products, 4 a page: over 6,000 pages each unseen one comes up about equally often (within 5 sigma)."""
    ours, shown = label_set(set(range(0, 80, 2))), set(range(0, 2 * seen, 2))
    rng = random.Random(11)
    counts = Counter(label for _ in range(6_000) for label in ours.draw(4, shown, rng))
    chance = 4 / (40 - seen)
    spread = 5 * (6_000 * chance * (1 - chance)) ** 0.5
    assert len(counts) == 40 - seen
    assert all(abs(count - 6_000 * chance) < spread for count in counts.values())
