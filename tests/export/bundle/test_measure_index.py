"""A quick search is trusted only where it finds what a full one finds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from rich.progress import Progress

from export.bundle import check_recall
from export.bundle.build_index import MANY_LINKS, IndexParameters, build_index
from export.bundle.check_recall import FLOOR, measure_recall, shoppers_queries, tenth_best_scores
from export.bundle.content import BuildOptions
from export.bundle.measure_index import QUICK_EF, choose_quick, measure_index, one_by_one
from export.bundle.write_bundle import _build_index, describe_model
from export.embedded import EMBEDDED_ENCODER
from handler.manifest import QuickSearch
from handler.products.neighbors import EXACT_LIMIT, HnswIndex

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from handler.manifest import IndexInfo

DIM = 48
PARAMETERS = IndexParameters(m=8, ef_construction=60)


def scattered(count: int, spread: float = 0.4) -> NDArray[np.float32]:
    """Many small clusters, between which a search goes astray."""
    rng = np.random.default_rng(2)
    vectors = rng.normal(size=(count // 40, DIM))[rng.integers(count // 40, size=count)]
    vectors = vectors + spread * rng.normal(size=(count, DIM))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def build(path: Path, vectors: NDArray[np.float32], parameters: IndexParameters = PARAMETERS) -> Path:
    build_index(vectors, range(len(vectors)), parameters, path, Progress(disable=True), threads=1)
    return path


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, IndexInfo, NDArray[np.float32]]:
    vectors = scattered(4_000)
    path = build(tmp_path_factory.mktemp("index") / "index", vectors)
    return path, measure_index(path, vectors, PARAMETERS), vectors


def test_served_with_the_quick_search_an_index_still_reaches_the_floor(
    measured: tuple[Path, IndexInfo, NDArray[np.float32]],
) -> None:
    path, info, vectors = measured
    assert info.quick is not None
    assert info.quick.ef == QUICK_EF < info.ef
    queries = shoppers_queries(vectors)
    tenth_best = tenth_best_scores(queries, vectors)
    assert measure_recall(one_by_one(HnswIndex(path, info)), queries, tenth_best, 10) == info.recall
    assert info.recall.value >= FLOOR


def test_a_quick_search_answers_queries_among_their_neighbors_and_a_full_one_all_others(
    measured: tuple[Path, IndexInfo, NDArray[np.float32]],
) -> None:
    path, info, vectors = measured
    assert info.quick is not None
    served = HnswIndex(path, info)
    full = HnswIndex(path, info.model_copy(update={"quick": None}))
    quick = HnswIndex(path, info.model_copy(update={"quick": None, "ef": QUICK_EF}))
    trusted = 0
    for query in shoppers_queries(vectors):
        labels, scores = quick.search_graph(query, 10)
        trusts = scores[-1] / np.linalg.norm(query) >= info.quick.cosine
        assert served.search_graph(query, 10) == ((labels, scores) if trusts else full.search_graph(query, 10))
        trusted += trusts
    assert 0 < trusted < 1_000


def test_the_worse_the_index_the_fewer_answers_are_trusted(tmp_path: Path) -> None:
    vectors = scattered(3_000)
    cosines = []
    for parameters in (IndexParameters(m=2, ef_construction=10), PARAMETERS, IndexParameters(m=16)):
        path = build(tmp_path / f"{parameters.m}", vectors, parameters)
        info = measure_index(path, vectors, parameters, 0.1).model_copy(update={"ef": QUICK_EF, "quick": None})
        quick = choose_quick(HnswIndex(path, info), vectors)
        cosines.append(1.0 if quick is None else quick.cosine)
    assert cosines == sorted(cosines, reverse=True)
    assert cosines[0] > cosines[-1]


def test_a_catalog_that_is_compared_exhaustively_needs_no_quick_search(tmp_path: Path) -> None:
    vectors = scattered(EXACT_LIMIT)
    assert measure_index(build(tmp_path / "index", vectors), vectors, PARAMETERS).quick is None


def test_a_search_for_more_products_than_there_are_finds_all(tmp_path: Path) -> None:
    vectors = scattered(400)
    path = build(tmp_path / "index", vectors)
    info = measure_index(path, vectors, PARAMETERS)
    index = HnswIndex(path, info.model_copy(update={"quick": QuickSearch(ef=1_000, cosine=-1), "ef": 2_000}))
    assert sorted(index.search_graph(vectors[0], 500)[0]) == list(range(400))


def test_few_links_are_tried_first_and_given_up_where_they_find_too_little(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between many small clusters 8 links do not reach the floor with the ef allowed here; 16 do."""
    vectors = scattered(4_000)
    options = BuildOptions(
        describe_model(EMBEDDED_ENCODER), EMBEDDED_ENCODER, IndexParameters(), Progress(disable=True)
    )
    monkeypatch.setattr(check_recall, "EF_LADDER", (512,))
    assert _build_index(tmp_path / "few", np.arange(4_000), vectors, options).m == 8
    monkeypatch.setattr(check_recall, "EF_LADDER", (64,))
    info = _build_index(tmp_path / "many", np.arange(4_000), vectors, options)
    assert info.m == MANY_LINKS
    assert HnswIndex(tmp_path / "many", info).search_graph(vectors[7], 1)[0] == [7]


@pytest.mark.parametrize(
    ("given", "count", "tried"),
    [
        (None, 20_000, [8, 16]),
        (None, 20_001, [12, 16]),
        (None, 100_000, [12, 16]),
        (None, 100_001, [16]),
        (16, 10, [16]),
        (8, 10**6, [8]),
    ],
)
def test_links_that_are_asked_for_are_built(given: int | None, count: int, tried: list[int]) -> None:
    assert [parameters.links for parameters in IndexParameters(given).to_try(count)] == tried
