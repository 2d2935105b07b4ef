"""The gate's arithmetic, on vectors whose answer is known without it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from export.model.check_parity import FLOORS, MIN_PHOTOS, NEIGHBORS, Parity, check_parity, measure_parity
from handler.errors import ConfigurationError, ParityTooLow


def circle(count: int, shift: float = 0.0) -> np.ndarray:
    """Unit vectors whose nearest neighbors are the next ones round the circle."""
    angles = 2 * math.pi * np.arange(count) / count + shift * np.random.default_rng(0).standard_normal(count)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_the_same_vectors_keep_everything() -> None:
    parity = measure_parity(circle(60), circle(60))
    assert parity.neighbors_kept == 1.0
    assert parity.cosine_min == pytest.approx(1.0, abs=1e-6)
    assert parity.photos == 60
    for precision in FLOORS:
        check_parity(parity, precision)


def test_neighbors_kept_is_the_overlap_of_both_lists() -> None:
    # Independent of the code under test: plain sets of sorted similarities, on vectors without ties.
    random = np.random.default_rng(3)
    truth = random.standard_normal((80, 16)).astype(np.float32)
    found = (truth + 0.4 * random.standard_normal(truth.shape)).astype(np.float32)
    truth /= np.linalg.norm(truth, axis=1, keepdims=True)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    shares = []
    for one, (a, b) in enumerate(zip(truth @ truth.T, found @ found.T, strict=True)):
        nearest = [[other for other in np.argsort(-row) if other != one][:NEIGHBORS] for row in (a, b)]
        shares.append(len(set(nearest[0]) & set(nearest[1])) / NEIGHBORS)
    kept = measure_parity(truth, found).neighbors_kept
    assert kept == pytest.approx(np.mean(shares))
    assert 0.3 < kept < 0.9


def test_copies_of_a_photo_may_stand_in_for_each_other() -> None:
    # Thirty copies each of two photos: any ten copies are right, whichever way rounding orders them.
    truth = np.repeat(np.eye(2, dtype=np.float32), 30, axis=0)
    found = truth + np.random.default_rng(0).uniform(0, 1e-7, truth.shape).astype(np.float32)
    assert measure_parity(truth, found).neighbors_kept == 1.0


def test_a_rotation_of_all_vectors_keeps_neighbors_but_not_the_cosine() -> None:
    turned = circle(60) @ np.array([[0, 1], [-1, 0]], dtype=np.float32)
    parity = measure_parity(circle(60), turned)
    assert parity.neighbors_kept > 0.99
    with pytest.raises(ParityTooLow, match="mean cosine"):
        check_parity(parity, "int8")


def test_a_fine_cosine_does_not_hide_lost_neighbors() -> None:
    parity = measure_parity(circle(600), circle(600, shift=0.05))
    assert parity.cosine_mean > FLOORS["int8"].cosine
    with pytest.raises(ParityTooLow, match=r"neighbors kept is 0\.\d+ on 600 photos, below 0\.87.*--precision w8"):
        check_parity(parity, "int8")


def test_nan_passes_no_floor() -> None:
    with pytest.raises(ParityTooLow):
        check_parity(Parity(60, math.nan, math.nan, 1.0), "fp32")
    with pytest.raises(ParityTooLow):
        check_parity(Parity(60, 1.0, 1.0, math.nan), "fp32")


def test_few_photos_judge_nothing() -> None:
    with pytest.raises(ConfigurationError, match="--photos") as few:
        measure_parity(circle(MIN_PHOTOS - 1), circle(MIN_PHOTOS - 1))
    assert few.value.limit == MIN_PHOTOS
