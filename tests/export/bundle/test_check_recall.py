"""The gate before publishing: an index that loses neighbors is not let through, whatever the catalog looks like."""

from __future__ import annotations

import shutil
import weakref
from typing import TYPE_CHECKING

import numpy as np
import pytest
from rich.progress import Progress

from export.bundle.build_index import IndexParameters, build_index
from export.bundle.check_recall import (
    EF_LADDER,
    FLOOR,
    LIKED,
    QUERIES,
    choose_ef,
    shoppers_queries,
)
from export.bundle.measure_index import measure_index, one_by_one
from export.index_catalog import index_catalog
from export.photos.read_catalog import read_catalog
from handler.errors import RecallTooLow
from handler.local.local_state import LocalState
from handler.products.neighbors import HnswIndex
from handler.stores.store import DirectoryStore
from tests.conftest import run_index
from tests.export.support import draw, draw_all, open_current

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from export.bundle.check_recall import GraphSearch
    from handler.manifest import IndexInfo

POOR = IndexParameters(m=2, ef_construction=10)


def clustered(count: int, dim: int = 32, clusters: int = 20, seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(clusters, dim))[rng.integers(clusters, size=count)] + 0.2 * rng.normal(size=(count, dim))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def build(path: Path, vectors: NDArray[np.float32], parameters: IndexParameters) -> Path:
    build_index(vectors, range(len(vectors)), parameters, path, Progress(disable=True), threads=1)
    return path


def brute_force_recall(index: HnswIndex, vectors: NDArray[np.float32]) -> float:
    """By the true neighbors' labels rather than by scores as the code does; the worst number of liked products."""
    queries = shoppers_queries(vectors)
    truth = np.argsort(-(queries @ vectors.T), axis=1, kind="stable")[:, :10]
    found = [index.search_graph(query, 10)[0] for query in queries]
    shares = [len({*a} & {*b}) / 10 for a, b in zip(found, truth.tolist(), strict=True)]
    return min(float(np.mean(shares[kind :: len(LIKED)])) for kind in range(len(LIKED)))


@pytest.mark.parametrize("floor", [0.5, FLOOR])
def test_the_recall_it_states_is_the_one_that_brute_force_finds(tmp_path: Path, floor: float) -> None:
    vectors = clustered(3_000)
    parameters = IndexParameters(m=4, ef_construction=20) if floor < FLOOR else IndexParameters()
    path = build(tmp_path / "index", vectors, parameters)
    info = measure_index(path, vectors, parameters, floor)
    assert info.recall.value >= floor
    assert (info.recall.value < 0.97) == (floor < FLOOR)  # a poor index, so that not every measure says nearly 1
    graph = (parameters.links, parameters.ef_construction)
    assert (info.count, info.dim, info.m, info.ef_construction) == (3_000, 32, *graph)
    assert brute_force_recall(HnswIndex(path, info), vectors) == pytest.approx(info.recall.value, abs=1e-3)


def test_it_takes_the_smallest_ef_that_reaches_the_floor(tmp_path: Path) -> None:
    vectors = clustered(3_000)
    weak = IndexParameters(m=8, ef_construction=40)
    path = build(tmp_path / "index", vectors, weak)
    assert measure_index(path, vectors, weak, 0.5).ef == EF_LADDER[0]
    for floor in (0.9, 0.99):
        info = measure_index(path, vectors, weak, floor)
        assert info.recall.value >= floor
        if info.ef > EF_LADDER[0]:
            smaller = info.model_copy(update={"ef": EF_LADDER[EF_LADDER.index(info.ef) - 1]})
            assert brute_force_recall(HnswIndex(path, smaller), vectors) < floor
    assert info.ef > EF_LADDER[0]


def test_an_index_that_loses_neighbors_is_refused(tmp_path: Path) -> None:
    vectors = clustered(4_000, dim=48, clusters=400)
    path = build(tmp_path / "index", vectors, POOR)
    with pytest.raises(RecallTooLow, match=r"Raise --m above 2 or --ef-construction above 10") as caught:
        measure_index(path, vectors, POOR)
    assert caught.value.limit == FLOOR
    assert 0 < float(str(caught.value.value)) < FLOOR


def test_when_it_refuses_nothing_is_published(
    tmp_path: Path, encoder_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos, bundles = draw_all(tmp_path / "photos", range(30)), tmp_path / "bundles"
    run_index(photos, bundles, encoder_directory)
    store = DirectoryStore(bundles)
    pointer, versions = store.current(), sorted((bundles / "bundles").iterdir())
    draw(photos / "new.png", 99)
    # A graph that leads nowhere: as bad as any build could come out.
    monkeypatch.setattr(HnswIndex, "search_graph", lambda _self, _query, count: ([0] * count, [-1.0] * count))
    with pytest.raises(RecallTooLow, match=r"finds 0\.000 of the true 10"):
        run_index(photos, bundles, encoder_directory)
    assert store.current() == pointer
    assert sorted((bundles / "bundles").iterdir()) == versions
    monkeypatch.undo()
    report = run_index(photos, bundles, encoder_directory)
    assert (report.published, report.embedded) == (True, 0)


@pytest.mark.parametrize("count", [1, 2, 9, 10, 11])
def test_a_tiny_catalog_is_indexed_and_serves(tmp_path: Path, encoder_directory: Path, count: int) -> None:
    photos, bundles = draw_all(tmp_path / "photos", range(count)), tmp_path / "bundles"
    report = run_index(photos, bundles, encoder_directory)
    assert (report.products, report.recall) == (count, 1.0)
    index = open_current(bundles).index
    _, vectors = index.vectors([0])
    found = index.nearest(vectors[0], 10)
    assert len(found) == min(count, 10)
    assert found[0].label == 0
    assert found[0].score == pytest.approx(1, abs=1e-5)


def test_one_picture_many_times_is_no_loss(tmp_path: Path, encoder_directory: Path) -> None:
    photos = draw_all(tmp_path / "photos", range(30))
    for number in range(60):
        shutil.copy(photos / "000.png", photos / f"same-{number:02}.png")
    report = run_index(photos, tmp_path / "bundles", encoder_directory)
    assert (report.products, report.embedded) == (90, 30)
    assert report.recall >= FLOOR


def test_a_catalog_of_one_picture_only(tmp_path: Path) -> None:
    vectors = np.repeat(clustered(1), 300, axis=0)
    path = build(tmp_path / "index", vectors, IndexParameters())
    assert measure_index(path, vectors, IndexParameters()).recall.value >= FLOOR


def test_other_parameters_are_other_contents(tmp_path: Path, encoder_directory: Path) -> None:
    photos, bundles = draw_all(tmp_path / "photos", range(5)), tmp_path / "bundles"
    run_index(photos, bundles, encoder_directory)
    report = index_catalog(
        read_catalog(photos),
        DirectoryStore(bundles),
        encoder_directory,
        LocalState(bundles).embedding_cache,
        Progress(disable=True),
        IndexParameters(m=24),
    )
    assert report.published
    assert open_current(bundles).manifest.index.m == 24


@pytest.mark.parametrize("count", [3, 2_500])
def test_queries_are_means_of_products_from_all_over_the_catalog(count: int) -> None:
    """Unit vectors along the axes: a mean shows which products went into it."""
    queries = shoppers_queries(np.eye(count, dtype=np.float32))
    assert queries.shape == (QUERIES, count)
    for number, query in enumerate(queries):
        liked = min(LIKED[number % len(LIKED)], count)
        np.testing.assert_allclose(query[query > 0], np.full(liked, 1 / liked), rtol=1e-5)
    tenths = np.array_split(queries.any(axis=0), min(10, count))
    assert all(tenth.mean() > 0.5 for tenth in tenths)
    np.testing.assert_array_equal(queries, shoppers_queries(np.eye(count, dtype=np.float32)))


def test_the_manifest_says_how_many_queries_were_asked(tmp_path: Path) -> None:
    for count in (500, 1_500):
        vectors = clustered(count)
        path = build(tmp_path / f"index-{count}", vectors, IndexParameters())
        assert measure_index(path, vectors, IndexParameters()).recall.queries == len(shoppers_queries(vectors)) == 1_000


def test_no_two_indexes_of_the_ladder_are_in_memory_at_once(tmp_path: Path) -> None:
    vectors = clustered(500)
    path = build(tmp_path / "index", vectors, POOR)
    opened: list[weakref.ref[HnswIndex]] = []

    def open_next(info: IndexInfo) -> GraphSearch:
        assert not any(earlier() for earlier in opened)
        index = HnswIndex(path, info)
        opened.append(weakref.ref(index))
        return one_by_one(index)

    with pytest.raises(RecallTooLow):
        choose_ef(open_next, vectors, POOR, floor=1.01)
    assert len(opened) == len(EF_LADDER)
