"""Which fields can be filtered by, and what of them ends up in the catalog's filter table."""

from __future__ import annotations

import json
import math
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export.bundle.describe_fields import MAX_LISTED_VALUES, describe_fields
from export.bundle.write_catalog import write_catalog
from export.photos.read_catalog import CatalogRow
from export.store.assign_labels import NO_LABELS, assign_labels
from handler.manifest import FieldInfo
from handler.products.catalog import Catalog

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def described(*values: Any) -> FieldInfo | None:
    """The one field `f` of products that have these values in it."""
    fields = describe_fields([{} if value is None else {"f": value} for value in values])
    return fields[0] if fields else None


def open_catalog(path: Path, products: Sequence[dict[str, Any]]) -> Catalog:
    rows = [CatalogRow(f"p{number}", "a.jpg", fields) for number, fields in enumerate(products)]
    labels = assign_labels([row.id for row in rows], NO_LABELS)
    path.unlink(missing_ok=True)
    return Catalog(path, write_catalog(path, rows, labels, describe_fields(products)))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2.5, None], FieldInfo(name="f", kind="number", minimum=1, maximum=2.5)),
        ([True, False], FieldInfo(name="f", kind="boolean")),
        (["b", "a", "b"], FieldInfo(name="f", kind="keyword", values=("a", "b"))),
        ([["new", "sale"], [], "new"], FieldInfo(name="f", kind="keyword", values=("new", "sale"))),
        ([[1, 2], 3], FieldInfo(name="f", kind="number", minimum=1, maximum=3)),
        (["Größe", "サイズ", "ملابس"], FieldInfo(name="f", kind="keyword", values=("Größe", "ملابس", "サイズ"))),
    ],
)
def test_kinds(values: list[Any], expected: FieldInfo) -> None:
    assert described(*values) == expected


@pytest.mark.parametrize(
    "values",
    [
        [1, "one"],
        [True, 1],
        [True, "true"],
        [{"nested": 1}],
        [[["nested"]]],
        [[]],
        [None],
        [float("nan")],
        [1.0, float("inf")],
        [10**400],
    ],
)
def test_mixtures_and_what_cannot_be_compared_are_not_filtered_by(values: list[Any]) -> None:
    assert described(*values) is None


def test_fields_are_in_alphabetical_order() -> None:
    assert [field.name for field in describe_fields([{"b": 1, "ä": 1}, {"a": 1}])] == ["a", "b", "ä"]


@pytest.mark.parametrize(("count", "listed"), [(MAX_LISTED_VALUES, True), (MAX_LISTED_VALUES + 1, False)])
def test_values_are_listed_while_they_are_few(count: int, listed: bool) -> None:
    field = described(*(f"v{number:03}" for number in range(count)))
    assert field is not None
    assert field.kind == "keyword"
    assert (field.values is not None) == listed


def test_a_list_is_found_by_each_of_its_values(tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path / "c.sqlite", [{"tags": ["new", "sale", "new"]}, {"tags": "sale"}, {"tags": []}])
    assert catalog.passing({"tags": "sale"}).labels.tolist() == [0, 1]
    assert catalog.passing({"tags": ["new"]}).labels.tolist() == [0]


def test_unicode_names_and_values_are_found_and_shown_as_they_are(tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path / "c.sqlite", [{"größe": "weiß ✓"}, {"größe": 'a "quoted" \\ value'}])
    assert catalog.passing({"größe": "weiß ✓"}).labels.tolist() == [0]
    assert catalog.passing({"größe": 'a "quoted" \\ value'}).labels.tolist() == [1]
    assert json.loads(catalog.by_labels([0])[0].fields) == {"größe": "weiß ✓"}


def test_numbers_beyond_64_bits_are_found(tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path / "c.sqlite", [{"ean": 2**80}, {"ean": 5}, {"ean": 5.5}])
    assert catalog.passing({"ean": 2.0**80}).labels.tolist() == [0]
    assert catalog.passing({"ean": {"lt": 5.5}}).labels.tolist() == [1]


def test_what_json_cannot_say_is_shown_as_text(tmp_path: Path) -> None:
    from datetime import date

    catalog = open_catalog(tmp_path / "c.sqlite", [{"since": date(2026, 1, 2)}])
    assert catalog.info.fields == ()
    assert json.loads(catalog.by_labels([0])[0].fields) == {"since": "2026-01-02"}


def test_numbers_that_json_lacks_become_null(tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path / "c.sqlite", [{"sizes": [1.5, math.nan, {"depth": -math.inf}]}])
    assert catalog.by_labels([0])[0].fields == '{"sizes": [1.5, null, {"depth": null}]}'


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec="utf-8"), max_size=5)
products = st.lists(
    st.dictionaries(st.sampled_from("abc"), scalars | st.lists(scalars, max_size=3)), min_size=1, max_size=6
)


@settings(max_examples=40, deadline=None)
@given(products)
def test_filter_table_holds_only_values_that_compare(
    tmp_path_factory: pytest.TempPathFactory, catalog: list[dict[str, Any]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "hypothesis.sqlite"
    catalog = open_catalog(path, catalog)
    db = sqlite3.connect(path)
    stored = db.execute("SELECT field, value, typeof(value), label FROM field_values").fetchall()
    db.close()
    kinds = {"number": "real", "keyword": "text", "boolean": "integer"}
    for place, value, kind, label in stored:
        field = catalog.info.fields[place]
        assert kind == kinds[field.kind]
        assert kind != "real" or math.isfinite(value)
        assert (
            catalog.passing({field.name: bool(value) if kind == "integer" else value}).labels.tolist().count(label) == 1
        )
    for field in catalog.info.fields:
        if field.kind == "number":
            assert field.minimum is not None
            assert field.maximum is not None
            assert field.minimum <= field.maximum
    json.dumps([field.model_dump() for field in catalog.info.fields], allow_nan=False)
