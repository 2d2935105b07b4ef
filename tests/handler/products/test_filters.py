"""Filters: every operator means what it says, every mistake is named, and nothing in them is ever run as SQL."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from export.bundle.describe_fields import describe_fields
from export.bundle.write_catalog import write_catalog
from export.photos.read_catalog import CatalogRow
from export.store.assign_labels import Labels
from handler.errors import InvalidFilter
from handler.products.catalog import Catalog
from handler.products.filters import MAX_CONDITIONS, MAX_VALUES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

COLOURS = ("red", "green", "blue", "it's; DROP TABLE products; --", 'say "hi"', "1", "true", "ŗøt", "")
PRODUCTS: list[dict[str, Any]] = [
    {
        "colour": COLOURS[number % len(COLOURS)],
        "price": [0, 0.5, 1, 9.99, 10, 20, 1e6, -3][number % 8],
        "new": number % 3 == 0,
        "tags": [["summer", "linen"], ["winter"], [], ["summer", "winter", "wool"]][number % 4],
        **({"size": "S"} if number % 5 == 0 else {}),
        "mixed": "text" if number % 2 else 7,
    }
    for number in range(120)
]


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    path = tmp_path_factory.mktemp("catalog") / "catalog.sqlite"
    rows = [CatalogRow(f"p{number}", f"p{number}.jpg", fields) for number, fields in enumerate(PRODUCTS)]
    labels = Labels({row.id: number for number, row in enumerate(rows)}, {}, len(rows))
    return Catalog(path, write_catalog(path, rows, labels, describe_fields(PRODUCTS)))


def passing(catalog: Catalog, wanted: Any) -> set[int]:
    return set(catalog.passing(wanted).labels.tolist())


def expected(rule: Callable[[dict[str, Any]], bool]) -> set[int]:
    return {number for number, fields in enumerate(PRODUCTS) if rule(fields)}


@pytest.mark.parametrize(
    ("wanted", "rule"),
    [
        ({"colour": "red"}, lambda p: p["colour"] == "red"),
        ({"colour": ["red", "blue", "no such"]}, lambda p: p["colour"] in ("red", "blue")),
        ({"colour": "1"}, lambda p: p["colour"] == "1"),
        ({"colour": ""}, lambda p: p["colour"] == ""),
        ({"colour": "ŗøt"}, lambda p: p["colour"] == "ŗøt"),
        ({"price": 10}, lambda p: p["price"] == 10),
        ({"price": [0.5, 1.0]}, lambda p: p["price"] in (0.5, 1)),
        ({"price": {"lt": 10}}, lambda p: p["price"] < 10),
        ({"price": {"lte": 10}}, lambda p: p["price"] <= 10),
        ({"price": {"gt": 10}}, lambda p: p["price"] > 10),
        ({"price": {"gte": 10}}, lambda p: p["price"] >= 10),
        ({"price": {"gte": 0, "lt": 1}}, lambda p: 0 <= p["price"] < 1),
        ({"new": True}, lambda p: p["new"]),
        ({"new": False}, lambda p: not p["new"]),
        ({"new": [True, False]}, lambda _: True),
        ({"tags": "summer"}, lambda p: "summer" in p["tags"]),
        ({"tags": ["linen", "wool"]}, lambda p: bool({"linen", "wool"} & set(p["tags"]))),
        ({"size": "S"}, lambda p: p.get("size") == "S"),
        ({"colour": "red", "new": True}, lambda p: p["colour"] == "red" and p["new"]),
        ({"tags": "winter", "price": {"gt": 0}, "new": False}, lambda p: "winter" in p["tags"] and p["price"] > 0
         and not p["new"]),
        ({"price": {"gt": 1e300}}, lambda _: False),
    ],
)  # fmt: skip
def test_operators(catalog: Catalog, wanted: Any, rule: Callable[[dict[str, Any]], bool]) -> None:
    assert passing(catalog, wanted) == expected(rule)


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"material": "wool"}, "filter.material"),
        ({"mixed": "text"}, "filter.mixed"),
        ({"colour": 3}, "filter.colour"),
        ({"colour": True}, "filter.colour"),
        ({"colour": ["red", 3]}, "filter.colour"),
        ({"colour": {"lt": 3}}, "filter.colour"),
        ({"colour": []}, "filter.colour"),
        ({"colour": ["red"] * (MAX_VALUES + 1)}, "filter.colour"),
        ({"price": "10"}, "filter.price"),
        ({"price": True}, "filter.price"),
        ({"price": float("nan")}, "filter.price"),
        ({"price": {"lt": float("inf")}}, "filter.price"),
        ({"price": {}}, "filter.price"),
        ({"price": {"ne": 3}}, "filter.price"),
        ({"price": {"lt": "3"}}, "filter.price"),
        ({"price": {"lt": True}}, "filter.price"),
        ({"new": 1}, "filter.new"),
        ({"new": "true"}, "filter.new"),
        ({"new": {"gte": 0}}, "filter.new"),
        ({str(number): 1 for number in range(MAX_CONDITIONS + 1)}, "filter"),
    ],
)
def test_an_invalid_filter_names_the_field_and_the_valid_values(catalog: Catalog, wanted: Any, field: str) -> None:
    with pytest.raises(InvalidFilter) as caught:
        catalog.passing(wanted)
    assert caught.value.field == field
    assert caught.value.limit is not None


@pytest.mark.parametrize(
    "text",
    ["' OR 1=1 --", "red') OR ('1'='1", "red; DROP TABLE products", "\x00", "%", "_", "*", "red' UNION SELECT 1"],
)
def test_injected_sql_matches_nothing_and_breaks_nothing(catalog: Catalog, text: str) -> None:
    assert passing(catalog, {"colour": text}) == set()
    assert passing(catalog, {"colour": [text, "red"]}) == passing(catalog, {"colour": "red"})
    with pytest.raises(InvalidFilter):
        catalog.passing({text: "red"})
    assert len(catalog.by_labels(range(120))) == 120


def test_a_value_that_looks_like_sql_is_a_value_like_any(catalog: Catalog) -> None:
    assert passing(catalog, {"colour": COLOURS[3]}) == expected(lambda p: p["colour"] == COLOURS[3]) != set()


SCALARS: st.SearchStrategy[Any] = st.booleans() | st.floats() | st.integers() | st.text(max_size=8)
CONDITIONS = (
    SCALARS
    | st.sampled_from(COLOURS)
    | st.lists(SCALARS, max_size=4)
    | st.dictionaries(st.sampled_from(["lt", "lte", "gt", "gte", "x"]), SCALARS, max_size=3)
)


@examples(deadline=None, max_examples=300)
@given(wanted=st.dictionaries(st.sampled_from(["colour", "price", "new", "tags", "size"]), CONDITIONS, min_size=1))
def test_any_filter_is_answered_or_refused(catalog: Catalog, wanted: dict[str, Any]) -> None:
    try:
        labels = passing(catalog, wanted)
    except InvalidFilter:
        return
    assert labels <= set(range(120))


def test_more_filters_than_are_kept_still_answer_right(catalog: Catalog) -> None:
    for _ in range(2):
        for number in range(80):
            assert passing(catalog, {"price": {"gt": number}}) == expected(lambda p, n=number: p["price"] > n)  # type: ignore[misc]


def test_the_widest_filter_that_is_allowed_fits_sqlite(tmp_path: Path) -> None:
    """16 conditions of 100 values are 1,616 bound parameters."""
    fields: Sequence[dict[str, Any]] = [{f"f{n}": str(n) for n in range(MAX_CONDITIONS)}]
    path = tmp_path / "catalog.sqlite"
    info = write_catalog(path, [CatalogRow("p", "p.jpg", fields[0])], Labels({"p": 4}, {}, 5), describe_fields(fields))
    wanted = {name: [value, *map(str, range(100, 199))] for name, value in fields[0].items()}
    assert passing(Catalog(path, info), wanted) == {4}
    assert sqlite3.sqlite_version_info >= (3, 37)  # STRICT tables
