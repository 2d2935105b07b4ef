"""Tuning to a field: closed form, kept only where it wins on products and kinds that it has not seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from rich.progress import Progress

from export.bench.synthetic import publish_vectors, stand_in_encoder
from export.bundle.fit_projection import fit_projection
from export.bundle.tune_bundle import tune_bundle
from export.bundle.tune_projection import WEIGHT, Trial, fit_discriminant, try_discriminant
from export.photos.read_catalog import CatalogRow
from handler.errors import CatalogError
from handler.open_bundle import OpenBundle
from handler.stores.store import DirectoryStore

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

DIM, KINDS, EACH = 24, 6, 40
QUIET = Progress(disable=True)


def shop(seed: int = 0, signal: float = 0.8) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Unit vectors in which the kind of a product is a weak direction among strong ones that say nothing."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(KINDS), EACH)
    vectors = rng.normal(size=(len(groups), DIM)) * np.r_[np.full(8, 0.3), np.full(DIM - 8, 1.0)]
    vectors[:, :8] += signal * rng.normal(size=(KINDS, 8))[groups]
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), groups


def test_inner_products_are_those_of_the_joined_vectors() -> None:
    vectors, groups = shop()
    matrix = fit_discriminant(vectors, groups)
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-6)
    added = np.linalg.eigvalsh(matrix.astype(np.float64)) ** 2 - 1
    assert added.min() > -1e-5
    assert (added > 1e-4).sum() == KINDS - 1
    # The discriminant part has length WEIGHT on average, beside vectors of length 1.
    lengths = ((vectors @ matrix) ** 2).sum(axis=1) - 1
    assert lengths.mean() == pytest.approx(WEIGHT**2, rel=1e-3)


def test_a_field_that_the_vectors_know_wins_and_one_made_of_chance_does_not() -> None:
    vectors, groups = shop()
    trial = try_discriminant(vectors, groups)
    assert trial.products[1] > trial.products[0] + 0.05
    by_chance = try_discriminant(vectors, np.random.default_rng(1).permutation(groups))
    assert abs(by_chance.products[1] - by_chance.products[0]) < 0.05


@pytest.mark.parametrize(
    ("trial", "wins"),
    [
        (Trial((0.5, 0.6), (0.4, 0.4)), True),
        (Trial((0.5, 0.6), (0.4, 0.39)), False),
        (Trial((0.5, 0.5), (0.4, 0.5)), False),
    ],
)
def test_both_have_to_hold(trial: Trial, wins: bool) -> None:
    assert trial.wins == wins


def test_too_few_products_or_kinds_are_refused() -> None:
    vectors, groups = shop()
    with pytest.raises(CatalogError, match="2 groups"):
        try_discriminant(vectors[groups < 2], groups[groups < 2])
    few = np.r_[np.flatnonzero(groups > 0), 0]
    with pytest.raises(CatalogError, match="smallest of 1 products"):
        try_discriminant(vectors[few], groups[few])


def publish(directory: Path, vectors: NDArray[np.float32], kinds: list[str]) -> DirectoryStore:
    rows = [CatalogRow(f"{number:03}", f"{number:03}.jpg", {"kind": kind}) for number, kind in enumerate(kinds)]
    projection = fit_projection(vectors)
    assert projection is not None
    encoder = stand_in_encoder(directory / "encoder", DIM)
    publish_vectors(directory / "bundles", rows, projection.apply(vectors), encoder, QUIET, projection)
    return DirectoryStore(directory / "bundles")


def opened(store: DirectoryStore) -> OpenBundle:
    return OpenBundle(store, store.current().version)


def test_a_tuned_bundle_serves_the_tuned_vectors_in_a_space_of_its_own(tmp_path: Path) -> None:
    vectors, groups = shop()
    store = publish(tmp_path, vectors, [f"kind {group}" for group in groups])
    before = opened(store)
    trial, manifest = tune_bundle(store, "kind", QUIET)
    after = opened(store)
    assert trial.wins
    assert manifest is not None
    assert after.version == manifest.version != before.version
    assert after.vector_space != before.vector_space
    assert after.manifest.contents == before.manifest.contents
    labels = list(range(len(vectors)))
    products = after.catalog.by_labels(labels)
    assert products == before.catalog.by_labels(labels)
    assert after._projection is not None
    _, served = after.index.vectors(labels)
    own = np.stack([vectors[int(products[label].id)] for label in labels])
    np.testing.assert_allclose(served, after._projection.apply(own), atol=1e-4)


def test_tuning_that_does_not_help_changes_nothing(tmp_path: Path) -> None:
    vectors, groups = shop(signal=0.0)
    store = publish(tmp_path, vectors, [f"kind {group}" for group in groups])
    version = store.current().version
    trial, manifest = tune_bundle(store, "kind", QUIET)
    assert not trial.wins
    assert manifest is None
    assert store.current().version == version
    with pytest.raises(CatalogError, match="'color'"):
        tune_bundle(store, "color", QUIET)
