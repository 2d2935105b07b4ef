"""Tuning in closed form, kept only where it wins on products, and on kinds of product, that it has not seen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
from rich.progress import Progress

from export.bench.bench_catalog import BenchCatalog
from export.bench.log_sessions import log_sessions
from export.bench.prepare import KNOWN_KEY
from export.bench.shoppers import Shopper
from export.bench.synthetic import publish_vectors, stand_in_encoder
from export.bundle.fit_projection import fit_projection
from export.bundle.tune_by_events import tune_by_events
from export.bundle.tune_by_field import tune_by_field
from export.bundle.tune_projection import WEIGHT, Trial, even_out, group_means, join, within
from export.bundle.tune_to_groups import discriminant, try_groups
from export.photos.read_catalog import CatalogRow
from handler.errors import CatalogError
from handler.open_bundle import OpenBundle
from handler.stores.store import DirectoryStore
from tests import cli_process

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
    directions = discriminant(vectors, groups)
    matrix = join(vectors, directions)
    part = vectors @ directions.T
    part *= WEIGHT / np.sqrt((part**2).sum(axis=1).mean())
    joined = np.hstack([vectors, part])
    np.testing.assert_allclose((vectors @ matrix) @ (vectors @ matrix).T, joined @ joined.T, atol=1e-5)
    np.testing.assert_allclose(join(vectors, directions[:0]), np.eye(DIM))


def test_evening_out_shortens_most_what_differs_most_within_groups() -> None:
    vectors, groups = shop()
    _, numbers = np.unique(groups, return_inverse=True)
    before = np.linalg.eigvalsh(within(vectors, numbers))
    after = np.linalg.eigvalsh(within((vectors @ even_out(vectors, numbers)).astype(np.float32), numbers))
    assert after[-1] / after[0] < 0.8 * before[-1] / before[0]
    np.testing.assert_allclose(group_means(vectors, numbers)[2], vectors[groups == 2].mean(axis=0), atol=1e-6)


def test_a_field_that_the_vectors_know_wins_and_one_made_of_chance_does_not() -> None:
    vectors, groups = shop()
    trial = try_groups(vectors, groups)
    assert trial.products[1] > trial.products[0] + 0.05
    by_chance = try_groups(vectors, np.random.default_rng(1).permutation(groups))
    assert abs(by_chance.products[1] - by_chance.products[0]) < 0.05


@pytest.mark.parametrize(
    ("trial", "wins"),
    [
        (Trial((0.5, 0.6), (0.4, 0.4)), True),
        (Trial((0.5, 0.6), (0.4, 0.39)), False),
        (Trial((0.5, 0.5), (0.4, 0.5)), False),
        (Trial((0.5, 0.6), (0.4, 0.4), chance=0.11), False),
    ],
)
def test_both_have_to_hold(trial: Trial, wins: bool) -> None:
    assert trial.wins == wins


def test_too_few_products_or_kinds_are_refused() -> None:
    vectors, groups = shop()
    with pytest.raises(CatalogError, match="2 groups"):
        try_groups(vectors[groups < 2], groups[groups < 2])
    few = np.r_[np.flatnonzero(groups > 0), 0]
    with pytest.raises(CatalogError, match="smallest of 1 products"):
        try_groups(vectors[few], groups[few])


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
    tuning = tune_by_field(store, "kind", QUIET)
    manifest = tuning.manifest
    after = opened(store)
    assert tuning.trial.wins
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
    tuning = tune_by_field(store, "kind", QUIET)
    manifest = tuning.manifest
    assert not tuning.trial.wins
    assert manifest is None
    assert store.current().version == version
    with pytest.raises(CatalogError, match="'color'"):
        tune_by_field(store, "color", QUIET)


def catalog(directory: Path, signal: float = 0.8) -> tuple[DirectoryStore, BenchCatalog]:
    """A shop whose shoppers judge by the kind alone, with a little taste of their own."""
    vectors, groups = shop(signal=signal)
    store = publish(directory, vectors, [f"kind {group}" for group in groups])
    judge = np.eye(KINDS)[groups] + 0.2 * np.random.default_rng(5).normal(size=(len(groups), KINDS))
    return store, BenchCatalog(
        name="kinds",
        ids=tuple(f"{number:03}" for number in range(len(groups))),
        categories=groups,
        judge=(judge / np.linalg.norm(judge, axis=1, keepdims=True)).astype(np.float32),
        stores={"": directory / "bundles"},
        signing_key=KNOWN_KEY,
    )


def test_likes_of_simulated_sessions_tune_the_vectors_to_their_taste(tmp_path: Path) -> None:
    store, products = catalog(tmp_path)
    before = opened(store)
    log = tmp_path / "events.jsonl"
    log_sessions(log, products, Shopper("ideal"), 200)
    tuning, evidence = tune_by_events(store, log, QUIET)
    assert evidence.broken == evidence.unknown == 0
    assert 130 < evidence.sessions <= 200
    assert tuning.trial.products[1] > tuning.trial.products[0] + tuning.trial.chance
    assert tuning.trial.wins
    after = opened(store)
    assert tuning.manifest is not None
    assert tuning.manifest.version == after.version != before.version

    def precision(bundle: OpenBundle) -> float:
        labels, vectors = bundle.index.vectors(list(range(len(products.ids))))
        found = np.argsort(-(vectors @ vectors.T), axis=1)[:, 1:11]
        kinds = products.categories[[products.numbers[one.id] for one in bundle.catalog.by_labels(labels).values()]]
        return float((kinds[found] == kinds[:, None]).mean())

    assert precision(after) > precision(before) + 0.05


def test_a_log_of_random_likes_changes_nothing(tmp_path: Path) -> None:
    store, products = catalog(tmp_path)
    version = store.current().version
    log = tmp_path / "events.jsonl"
    log_sessions(log, products, Shopper("random", temperature=1e6), 120)
    tuning, _ = tune_by_events(store, log, QUIET)
    assert not tuning.trial.wins
    assert tuning.manifest is None
    assert store.current().version == version


def test_the_command_tunes_by_a_log_or_by_a_field_and_says_what_it_found(tmp_path: Path) -> None:
    store, products = catalog(tmp_path)
    bundles, log = tmp_path / "bundles", tmp_path / "events.jsonl"
    log_sessions(log, products, Shopper("random", temperature=1e6), 130)
    log.write_text(log.read_text() + '{"event": "round"}\n')
    status, output = cli_process.vitrine("tune", bundles, "--by-events", log)
    assert status == 0, output
    assert re.search(r"choices in 1\d\d sessions; 1 damaged lines, 0 unknown products", output)
    assert "nothing was changed" in output
    for arguments in ((), ("--by", "kind", "--by-events", log)):
        assert cli_process.vitrine("tune", bundles, *arguments) == (
            1,
            "vitrine: Pass either --by FIELD or --by-events LOG.\n",
        )
    status, output = cli_process.vitrine("tune", bundles, "--by", "kind")
    assert status == 0
    assert f"{store.current().version} is current" in output


def test_a_log_that_cannot_be_tuned_by_is_refused(tmp_path: Path) -> None:
    store, products = catalog(tmp_path)
    log = tmp_path / "events.jsonl"
    log_sessions(log, products, Shopper("ideal"), 40)
    with pytest.raises(CatalogError, match="sessions with a like on a page after an earlier like, of 40; it takes 100"):
        tune_by_events(store, log, QUIET)
    elsewhere = log.read_text().replace(store.current().version, "20200101T000000Z-00000000")
    log.write_text(elsewhere)
    with pytest.raises(CatalogError, match="bundles that this store does not have"):
        tune_by_events(store, log, QUIET)
