"""What every engine promises: hnswlib with SQLite, Milvus Lite, and a Milvus server where one runs."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from handler.errors import InvalidFilter
from handler.milvus import candidates
from tests.conftest import MILVUS
from tests.handler.products.engines import (
    CATEGORIES,
    COUNT,
    FIELDS,
    LABELS,
    PRODUCTS,
    RETIRED,
    ROWS,
    VECTORS,
    in_files,
    in_milvus,
)
from tests.handler.support import unit

if TYPE_CHECKING:
    from handler.open_engine import Engine
    from handler.products.filters import Filter

ENGINES = ["hnswlib", "milvus-lite", *(["milvus"] if MILVUS else [])]
FILTERS: list[tuple[Filter, Any]] = [
    ({"category": "dress"}, lambda fields: fields["category"] == "dress"),
    ({"category": list(CATEGORIES[2:4])}, lambda fields: fields["category"] in CATEGORIES[2:4]),
    ({"category": CATEGORIES[3], "in_stock": True}, lambda f: f["category"] == CATEGORIES[3] and f["in_stock"]),
    ({"price": {"gte": 20.5, "lt": 30}}, lambda fields: 20.5 <= fields.get("price", 0) < 30),
    ({"price": [7.5, 8.5]}, lambda fields: fields.get("price") in (7.5, 8.5)),
    ({"in_stock": False, "price": {"gt": 98}}, lambda f: not f["in_stock"] and f.get("price", 0) > 98),
    ({"tags": "tag 3"}, lambda fields: "tag 3" in fields.get("tags", ())),
    ({"category": "no such thing"}, lambda _fields: False),
]


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    directory = tmp_path_factory.mktemp("engine")
    if request.param == "hnswlib":
        return in_files(directory)
    if request.param == "milvus-lite":
        return in_milvus(f"milvus+file:{directory}/lite.db")
    assert MILVUS is not None
    return in_milvus(MILVUS)


@pytest.fixture(params=["all labels held", "expression only"])
def held(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Milvus keeps the labels of up to MAX_ROWS candidates, and only the expression of more."""
    if request.param == "expression only":
        monkeypatch.setattr(candidates, "MAX_ROWS", 0)


def nearest_rows(query: np.ndarray[Any, Any], rows: list[int], count: int) -> list[int]:
    return sorted(rows, key=lambda row: -float(VECTORS[row] @ query))[:count]


def scored(labels: list[int], query: np.ndarray[Any, Any]) -> float:
    return float(sum(VECTORS[label // 3] @ query for label in labels))


@pytest.mark.parametrize("excluded", [0, 10, 1_000, COUNT - 7])
def test_the_nearest_unseen_products_are_found(engine: Engine, excluded: int) -> None:
    rng = np.random.default_rng(excluded)
    for _ in range(5):
        query = unit(VECTORS[rng.integers(COUNT)] + rng.normal(0, 0.05, VECTORS.shape[1]))
        by_score = nearest_rows(query, list(range(COUNT)), COUNT)
        seen = {3 * row for row in by_score[:excluded]}
        found = engine.index.nearest(query, 10, excluded=seen)
        best = nearest_rows(query, [row for row in range(COUNT) if 3 * row not in seen], 10)
        assert len(found) == len(best)
        assert not {neighbor.label for neighbor in found} & seen
        assert scored([neighbor.label for neighbor in found], query) == pytest.approx(
            scored([3 * row for row in best], query), abs=0.02
        )
        assert [neighbor.score for neighbor in found] == sorted((n.score for n in found), reverse=True)


@pytest.mark.parametrize("seen", ["nearest", "any"])
@pytest.mark.parametrize("excluded", [0, 10, 1_000, COUNT - 7])
def test_a_neighborhood_has_half_of_the_nearest_or_more(engine: Engine, excluded: int, seen: str) -> None:
    query = VECTORS[7]
    by_score = nearest_rows(query, list(range(COUNT)), COUNT)
    shown = set(by_score[:excluded] if seen == "nearest" else random.Random(excluded).sample(by_score, excluded))
    best = [3 * row for row in by_score if row not in shown][:64]
    labels, vectors = engine.index.neighborhood(query, 64, excluded={3 * row for row in shown}, allowed=None)
    assert len(set(labels)) == len(labels) <= 64
    assert not {label // 3 for label in labels} & shown
    assert 2 * len(set(labels) & set(best)) >= len(best)
    assert np.array_equal(vectors, VECTORS[[label // 3 for label in labels]])


def test_a_neighborhood_stays_within_a_filter(engine: Engine) -> None:
    allowed = engine.catalog.passing({"category": "dress"})
    shown = set(LABELS[::2])
    labels, _ = engine.index.neighborhood(VECTORS[5], 20, excluded=shown, allowed=allowed)
    assert len(labels) >= 10
    assert allowed.among(labels) == set(labels)
    assert not set(labels) & shown


@pytest.mark.parametrize(("wanted", "passes"), FILTERS)
def test_a_filter_admits_the_same_products(engine: Engine, wanted: Filter, passes: Any) -> None:
    expected = {label for label, row in zip(LABELS, ROWS, strict=True) if passes(row.fields)}
    allowed = engine.catalog.passing(wanted)
    assert len(allowed) == len(expected)
    assert allowed.among(LABELS) == expected
    seen = set(sorted(expected)[: len(expected) // 2])
    assert allowed.count_without(seen) == len(expected) - len(seen)
    found = {neighbor.label for neighbor in engine.index.nearest(VECTORS[5], 20, excluded=seen, allowed=allowed)}
    assert len(found) == min(20, len(expected) - len(seen))
    assert found <= expected - seen


def test_a_filter_on_an_unknown_field_is_refused(engine: Engine) -> None:
    with pytest.raises(InvalidFilter):
        len(engine.catalog.passing({"size": "L"}))


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize("seen", [0, 2_500, COUNT])
def test_a_draw_is_unseen_and_distinct(engine: Engine, seen: int) -> None:
    shown = set(random.Random(1).sample(LABELS, seen))
    everything = fresh(engine).everything
    drawn = everything.draw(20, shown, random.Random(3))
    assert len(drawn) == len(set(drawn)) == min(20, COUNT - seen) == min(20, everything.count_without(shown))
    assert not set(drawn) & shown
    assert drawn == everything.draw(20, shown, random.Random(3))


@pytest.mark.usefixtures("held")
def test_a_draw_is_uniform(engine: Engine) -> None:
    """Pearson's chi-squared over 30 cells of 100 products: 29 degrees of freedom, 0.1 % above 58.3."""
    everything = fresh(engine).everything
    rng = random.Random(11)
    draws = 40
    cells = Counter(label // 300 for _ in range(draws) for label in everything.draw(50, set(), rng))
    expected = draws * 50 / 30
    assert sum((cells[cell] - expected) ** 2 / expected for cell in range(30)) < 58.3


def test_vectors_come_back_exactly_and_in_order(engine: Engine) -> None:
    labels, vectors = engine.index.vectors([30, 1, 0, 8_997, 9_000])
    assert labels == [30, 0, 8_997]
    assert np.array_equal(vectors, VECTORS[[10, 0, 2_999]])
    assert engine.index.vectors([])[1].shape == (0, VECTORS.shape[1])


def test_products_are_found_by_label_id_and_image(engine: Engine) -> None:
    assert engine.catalog.by_labels([30, 1, 0]) == {30: PRODUCTS[10], 0: PRODUCTS[0]}
    assert engine.catalog.by_id("p/17") == PRODUCTS[17]
    assert engine.catalog.by_id("p/17' or 1") is None
    assert engine.catalog.has_image("photos/17.jpg")
    assert not engine.catalog.has_image("photos/none.jpg")
    assert engine.catalog.info.fields == FIELDS


def test_ids_of_retired_products_keep_their_labels(engine: Engine) -> None:
    found = engine.catalog.labels_of(["p/3", *RETIRED, "unknown", 'x"] or label > 0'])
    assert found == {"p/3": 9, **RETIRED}


def test_loading_finds_every_row(engine: Engine) -> None:
    engine.index.load()


def fresh(engine: Engine) -> Any:
    """The engine's index without what it has counted and kept."""
    for name in ("_few", "_count"):
        vars(engine.index.everything).pop(name, None)
    return engine.index
