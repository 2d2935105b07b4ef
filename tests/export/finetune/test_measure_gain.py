import numpy as np
import pytest

from export.finetune.hold_out import HeldOut
from export.finetune.measure_gain import Findings, Gain, measure


def _catalog(*, apart: bool) -> tuple[np.ndarray, np.ndarray, HeldOut]:
    """Two hundred vectors of ten kinds: clouds of their own, or all in one cloud."""
    rng = np.random.default_rng(0)
    kinds = np.repeat(np.arange(10), 20)
    photos = rng.normal(size=(200, 24)) + (8 * np.eye(24)[kinds] if apart else 0)
    views = photos + 0.01 * rng.normal(size=photos.shape)
    photos, views = (
        (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32) for vectors in (photos, views)
    )
    places = np.arange(200)
    new = places[kinds >= 8]
    known = places[kinds < 8]
    return photos, views, HeldOut(kinds, known[known % 5 > 0], known[known % 5 == 0], new)


def test_kinds_that_lie_apart_are_found() -> None:
    found = measure(*_catalog(apart=True))
    assert found.same_photo == 1
    assert found.same_kind == pytest.approx(1, abs=0.05)
    assert found.same_new_kind == pytest.approx(1, abs=0.05)


def test_kinds_that_do_not_lie_apart_are_found_by_chance() -> None:
    found = measure(*_catalog(apart=False))
    assert found.same_photo == 1
    assert found.same_kind == pytest.approx(0.1, abs=0.06)
    assert found.same_new_kind == pytest.approx(0.1, abs=0.06)


@pytest.mark.parametrize(
    ("before", "after", "wins"),
    [
        (Findings(0.5), Findings(0.6), True),
        (Findings(0.5), Findings(0.5), False),
        (Findings(0.5, 0.4, 0.4), Findings(0.5, 0.5, 0.4), True),
        (Findings(0.5, 0.4, 0.4), Findings(0.9, 0.4, 0.5), False),
        (Findings(0.5, 0.4, 0.4), Findings(0.5, 0.5, 0.3), False),
    ],
)
def test_a_gain_is_one_on_held_out_photos_that_no_held_out_kind_pays_for(
    before: Findings, after: Findings, *, wins: bool
) -> None:
    assert Gain(before, after).wins is wins
