"""Neighbors: what is left out stays out, filters lose nothing, and vectors come back exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from handler.errors import BundleCorrupt
from handler.products.labels import LabelSet
from handler.products.neighbors import EXACT_LIMIT, HnswIndex
from tests.handler.support import clustered, index_info, nearest_by_hand, open_index, unit

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from handler.manifest import IndexInfo
    from tests.handler.support import Vectors

ROWS = 12_000
QUERIES = 60
DIM = 32


def label_set(rows: Collection[int]) -> LabelSet:
    return LabelSet(3 * np.asarray(sorted(rows), dtype=np.int64))


def recall(index: HnswIndex, vectors: Vectors, *, allowed: set[int] | None = None, excluded: int = 0) -> float:
    """Mean recall@10 over queries close to a product, every other of the nearest `2 * excluded` already seen."""
    rng = np.random.default_rng(9)
    found = 0
    passing = np.asarray(sorted(range(ROWS) if allowed is None else allowed))
    for _ in range(QUERIES):
        query = unit(vectors[rng.integers(ROWS)] + rng.normal(0, 0.05, DIM))
        order = np.argsort(-(vectors @ query), kind="stable")
        seen = {3 * int(row) for row in order[: 2 * excluded : 2]}
        labels = None if allowed is None else label_set(allowed)
        got = {neighbor.label for neighbor in index.nearest(query, 10, excluded=seen, allowed=labels)}
        assert len(got) == 10
        assert not got & seen
        assert allowed is None or {label // 3 for label in got} <= allowed
        open_rows = [3 * int(row) for row in order[np.isin(order, passing)] if 3 * int(row) not in seen]
        found += len(got & set(open_rows[:10]))
    return found / (10 * QUERIES)


@pytest.mark.parametrize("excluded", [0, 1, 100, 700])
def test_seen_products_are_excluded_and_the_next_nearest_found(
    many: HnswIndex, many_vectors: Vectors, excluded: int
) -> None:
    assert recall(many, many_vectors, excluded=excluded) >= 0.99


@pytest.mark.parametrize("liked", [2, 5])
def test_the_stated_recall_holds_for_shoppers_queries(many: HnswIndex, many_vectors: Vectors, liked: int) -> None:
    """A preference is a mean of several products, and lies between them."""
    rng = np.random.default_rng(liked)
    found = 0
    for _ in range(5 * QUERIES):
        query = many_vectors[rng.choice(ROWS, liked, replace=False)].mean(axis=0)
        best = set((3 * np.argsort(-(many_vectors @ query))[:10]).tolist())
        found += len(best & {neighbor.label for neighbor in many.nearest(query, 10)})
    # 3,000 neighbors sampled of a recall that was itself sampled to be 0.99 or better.
    assert found / (50 * QUERIES) >= 0.985


@pytest.mark.parametrize("passing", [10, 300, EXACT_LIMIT])
def test_under_a_narrow_filter_the_answer_is_exact(many: HnswIndex, many_vectors: Vectors, passing: int) -> None:
    rows = np.random.default_rng(passing).choice(ROWS, passing, replace=False).tolist()
    assert recall(many, many_vectors, allowed=set(rows)) == 1


@pytest.mark.parametrize("passing", [EXACT_LIMIT + 1, 4_000, 9_000, ROWS])
@pytest.mark.parametrize("excluded", [0, 300])
def test_under_a_wide_filter_hardly_a_neighbor_is_lost(
    many: HnswIndex, many_vectors: Vectors, passing: int, excluded: int
) -> None:
    rows = np.random.default_rng(passing).choice(ROWS, passing, replace=False).tolist()
    assert recall(many, many_vectors, allowed=set(rows), excluded=excluded) >= 0.99


def test_a_filter_that_agrees_with_the_geometry_loses_nothing(many: HnswIndex, many_vectors: Vectors) -> None:
    """`category: shoes` lets through what looks alike, and the query may lie far from all of it."""
    towards = many_vectors[5]
    near = {int(row) for row in np.argsort(-(many_vectors @ towards))[:2_500]}
    got = many.nearest(-towards, 10, allowed=label_set(near))
    labels = [3 * row for row in range(ROWS)]
    best = nearest_by_hand(-towards, many_vectors, labels, {3 * row for row in near}, 10)
    assert [neighbor.label for neighbor in got] == best


def test_a_filter_that_nothing_passes_finds_nothing(few: HnswIndex, many: HnswIndex, few_vectors: Vectors) -> None:
    """Not even in a small catalog, where every candidate is compared."""
    nothing = LabelSet(np.empty(0, dtype=np.int64))
    assert few.nearest(few_vectors[0], 5, allowed=nothing) == []
    assert many.nearest(np.ones(32, dtype=np.float32), 5, allowed=nothing) == []


def test_fewer_only_when_fewer_are_left(many: HnswIndex, many_vectors: Vectors) -> None:
    everything = set(many.everything.labels.tolist())
    left = set(range(0, 60, 3))
    got = many.nearest(many_vectors[0], 50, excluded=everything - left)
    assert {neighbor.label for neighbor in got} == left
    assert many.nearest(many_vectors[0], 5, excluded=everything) == []
    assert many.nearest(many_vectors[0], 5, excluded=everything, allowed=many.everything) == []
    assert many.nearest(many_vectors[0], 0) == []


def test_a_disconnected_graph_still_returns_enough_neighbors(tmp_path: Path) -> None:
    """Many copies of few photos make islands that hnswlib cannot leave; it then raises instead of answering."""
    originals = clustered(50, 16, clusters=50, seed=1)
    copies = np.repeat(originals, 60, axis=0)
    index = open_index(tmp_path / "index.hnsw", copies, list(range(3_000)), m=4)
    allowed = LabelSet(np.arange(900, 3_000))
    with pytest.raises(RuntimeError):  # the premise: hnswlib alone cannot answer all of these
        index._graph.knn_query(originals, k=50, filter=lambda label: label in allowed)
    for query in originals:
        filtered = [neighbor.label for neighbor in index.nearest(query, 50, excluded={950}, allowed=allowed)]
        assert len(set(filtered)) == 50
        assert min(filtered) >= 900
        assert 950 not in filtered
        assert len({neighbor.label for neighbor in index.nearest(query, 50, excluded=set(range(500)))}) == 50


def test_scores_are_inner_products_best_first(many: HnswIndex, many_vectors: Vectors) -> None:
    query = many_vectors[17] * 0.5
    neighbors = many.nearest(query, 20)
    np.testing.assert_allclose(
        [neighbor.score for neighbor in neighbors],
        [many_vectors[neighbor.label // 3] @ query for neighbor in neighbors],
        atol=1e-5,
    )
    assert neighbors[0].label == 3 * 17
    assert neighbors == sorted(neighbors, key=lambda neighbor: -neighbor.score)


def test_the_same_answer_after_save_and_load(many: HnswIndex, many_file: tuple[Path, IndexInfo]) -> None:
    again = HnswIndex(*many_file)
    rng = np.random.default_rng(4)
    for query in unit(rng.normal(size=(20, 32))):
        assert again.nearest(query, 10) == many.nearest(query, 10)


@examples(deadline=None, max_examples=60)
@given(data=st.data())
def test_vectors_come_back_exactly_and_in_the_order_asked(
    few: HnswIndex, few_vectors: Vectors, data: st.DataObject
) -> None:
    wanted = data.draw(st.lists(st.integers(-2, 400) | st.just(2**40), max_size=30))
    known, vectors = few.vectors(wanted)
    assert known == [label for label in wanted if 0 <= label < len(few_vectors)]
    np.testing.assert_array_equal(vectors, few_vectors[known])


def test_vectors_belong_to_their_labels_in_any_order_of_indexing(tmp_path: Path, few_vectors: Vectors) -> None:
    labels = np.random.default_rng(6).permutation(5_000)[: len(few_vectors)].tolist()
    index = open_index(tmp_path / "index.hnsw", few_vectors, labels)
    known, vectors = index.vectors(sorted(labels))
    np.testing.assert_array_equal(vectors, few_vectors[[labels.index(label) for label in known]])
    assert index.nearest(few_vectors[40], 1)[0].label == labels[40]


def test_an_index_of_one_product_works(tmp_path: Path, few_vectors: Vectors) -> None:
    index = open_index(tmp_path / "index.hnsw", few_vectors[:1], [12])
    assert [neighbor.label for neighbor in index.nearest(few_vectors[3], 10)] == [12]
    assert index.vectors([0, 12, 13])[0] == [12]


def test_another_dimension_than_the_manifests_is_refused(tmp_path: Path, few_vectors: Vectors) -> None:
    path = tmp_path / "index.hnsw"
    open_index(path, few_vectors, list(range(300)))
    with pytest.raises(BundleCorrupt):
        HnswIndex(path, index_info(300, 25))
