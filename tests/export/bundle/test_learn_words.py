"""Words whose products look alike get a vector that finds such products; other words get none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from export.bundle import learn_words as learning
from export.bundle.learn_words import MIN_SUPPORT, learn_words
from export.bundle.ridge import RidgeSums
from tests.handler.support import unit
from tests.handler.words.test_text_index import write

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from handler.words.word_vectors import WordVectors
    from tests.handler.support import Vectors

KINDS = ("dress", "shirt", "shoe", "hat")
COUNT, DIM = 400, 12
LABELS = np.arange(COUNT) * 3 + 7


def vectors() -> Vectors:
    """Clusters by kind: product n is of kind n % 4."""
    rng = np.random.default_rng(3)
    centers = rng.normal(size=(len(KINDS), DIM))
    return unit(centers[np.arange(COUNT) % len(KINDS)] + 0.6 * rng.normal(size=(COUNT, DIM)))


def learn(folder: Path, titled: int, seen: Vectors | None = None) -> WordVectors | None:
    """From a catalog in which `titled` products have a title: their kind, a random word and a word of everybody's."""
    rng = np.random.default_rng(5)
    products = {
        int(label): {"title": f"{KINDS[n % len(KINDS)]} {rng.choice(['lucky', 'plain'])} thing"} if n < titled else {}
        for n, label in enumerate(LABELS)
    }
    path = write(folder / "catalog.sqlite", products)
    # Learning must not depend on labels being in the order of rows.
    order = rng.permutation(COUNT)
    return learn_words(path, LABELS[order], (vectors() if seen is None else seen)[order])


def test_words_find_products_whose_own_text_lacks_them(tmp_path: Path) -> None:
    learnt = learn(tmp_path, titled=200)
    assert learnt is not None
    assert set(learnt.words) == set(KINDS)
    untitled = vectors()[200:]
    stacked = [learnt.vector([kind]) for kind in KINDS]
    scores = untitled @ np.asarray(stacked).T
    right = scores.argmax(axis=1) == np.arange(200, COUNT) % len(KINDS)
    assert right.mean() > 0.9


def test_products_without_text_do_not_count_as_lacking_the_words(tmp_path: Path) -> None:
    """A few titles among many products teach what they would teach by themselves."""
    among_all = learn(tmp_path, titled=60)
    (tmp_path / "catalog.sqlite").unlink()
    products = {int(label): {"title": f"{KINDS[n % len(KINDS)]}"} for n, label in enumerate(LABELS[:60])}
    alone = learn_words(write(tmp_path / "catalog.sqlite", products), LABELS[:60], vectors()[:60])
    assert among_all is not None
    assert alone is not None
    for kind in KINDS:
        one, other = among_all.vector([kind]), alone.vector([kind])
        assert one is not None
        assert other is not None
        assert one @ other > 0.999


def test_words_that_no_photo_shows_are_not_kept(tmp_path: Path) -> None:
    """Vectors without any likeness: the same words, and nothing to learn from."""
    noise = unit(np.random.default_rng(1).normal(size=(COUNT, DIM)))
    assert learn(tmp_path, titled=COUNT, seen=noise) is None


def test_equal_vectors_teach_nothing(tmp_path: Path) -> None:
    assert learn(tmp_path, titled=COUNT, seen=unit(np.ones((COUNT, DIM)))) is None


def test_rare_words_and_catalogs_without_text_teach_nothing(tmp_path: Path) -> None:
    assert learn(tmp_path, titled=(MIN_SUPPORT - 1) * len(KINDS)) is None
    (tmp_path / "catalog.sqlite").unlink()
    assert learn(tmp_path, titled=0) is None


def test_large_catalogs_are_sampled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "MAX_PRODUCTS", 150)
    learnt = learn(tmp_path, titled=COUNT)
    assert learnt is not None
    assert set(learnt.words) == set(KINDS)


def test_learning_is_reproducible(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        learnt = learn(tmp_path / name, titled=200)
        assert learnt is not None
        learnt.save(tmp_path / f"{name}.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "other.npz").read_bytes()


def test_sums_in_pieces_solve_the_regression_by_hand() -> None:
    data = vectors()
    has = np.arange(COUNT) % len(KINDS) == 2
    parts = []
    for rows in (np.arange(0, 150), np.arange(150, COUNT)):
        sums = RidgeSums(DIM, 1).add_products(data, rows)
        mine = rows[has[rows]]
        sums.add_words(np.zeros(len(mine), dtype=np.int64), data[mine])
        parts.append(sums)
    centerd = (data - data.mean(axis=0)).astype(np.float64)
    penalty = 0.3 * (centerd**2).sum() / DIM
    expected = np.linalg.solve(centerd.T @ centerd + penalty * np.eye(DIM), centerd.T @ (has - has.mean()))
    np.testing.assert_allclose((parts[0] + parts[1]).solve(0.3)[0], expected, rtol=1e-3, atol=1e-5)
