"""Every word counts, the start of one is enough, and nothing that a shopper types is taken for syntax."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from export.bundle.write_catalog import write_catalog
from export.bundle.write_texts import write_texts
from export.photos.read_catalog import CatalogRow
from export.store.assign_labels import Labels
from handler.errors import BundleCorrupt, ConfigurationError, InvalidRequest
from handler.products.labels import LabelSet
from handler.words.text_index import MAX_WORDS, RANKED, TextIndex, words_of

if TYPE_CHECKING:
    from pathlib import Path

    from handler.manifest import Tokenizer

PRODUCTS: dict[int, dict[str, Any]] = {
    3: {"title": "Red dress", "category": "dress", "price": 20},
    5: {"title": "Blue dresses", "category": "dress", "tags": ["red", "summer"]},
    8: {"name": "T-shirt", "category": "top", "colour": "red"},
    9: {"name": "Café apron", "category": "kitchen", "notes": "goes with a red dress"},
    12: {"name": "Shirt in size T", "category": "top"},
    20: {"name": "NEAR AND OR NOT", "category": None, "in_stock": True},
}


def write(path: Path, products: dict[int, dict[str, Any]], tokenizer: Tokenizer = "unicode61") -> Path:
    rows = [CatalogRow(f"p{label}", f"{label}.jpg", fields) for label, fields in products.items()]
    labels = Labels({row.id: label for row, label in zip(rows, products, strict=True)}, {}, max(products) + 1)
    write_catalog(path, rows, labels, ())
    write_texts(path, products.items(), tokenizer)
    return path


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> TextIndex:
    return TextIndex(write(tmp_path_factory.mktemp("plain") / "catalog.sqlite", PRODUCTS), "unicode61")


@pytest.fixture(scope="module")
def stemmed(tmp_path_factory: pytest.TempPathFactory) -> TextIndex:
    return TextIndex(write(tmp_path_factory.mktemp("stems") / "catalog.sqlite", PRODUCTS, "porter"), "porter")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("red dress", [3, 5, 9]),  # all words; the title weighs most, then the category
        ("RED", [3, 5, 8, 9]),
        ("dre", [3, 5, 9]),  # the start of a word
        ("d", []),  # but not a single letter
        ("t-shirt", [8]),  # one word with a hyphen, not `shirt` and `t` anywhere
        ("t", [8, 12]),
        ("cafe", [9]),
        ("purple dress", [3, 5, 9]),  # nothing is purple: one word is enough
        ("purple", []),
    ],
)
def test_words_find_products_in_order(plain: TextIndex, text: str, expected: list[int]) -> None:
    found = plain.search(words_of(text), 10)
    assert sorted(found) == sorted(expected)
    assert found[:2] == expected[:2] or text not in ("red dress", "dre")


def test_a_word_that_too_many_products_have_ranks_the_first_of_them_that_pass(tmp_path: Path) -> None:
    """The best match is the last product: a search that ranked everything would put it first."""
    last = RANKED + 1
    products: dict[int, dict[str, Any]] = {label: {"notes": "a red dress"} for label in range(last)}
    products[RANKED // 2] = products[last] = {"title": "Red"}
    index = TextIndex(write(tmp_path / "catalog.sqlite", products), "unicode61")
    assert index.search(["red"], 3) == [RANKED // 2, 0, 1]
    allowed = LabelSet(np.asarray([1, 7, last]))
    assert index.search(["red"], 3, allowed) == [last, 1, 7]
    assert index.search(["red"], 1, allowed) == [last]
    assert index.search(["dress"], 3, LabelSet(np.arange(5, last + 1))) == [5, 6, 7]


def test_a_title_comes_before_a_description(plain: TextIndex) -> None:
    assert plain.search(["red", "dress"], 10) == [3, 5, 9]
    assert plain.search(["red", "dress"], 2) == [3, 5]


def test_a_filter_takes_products_out_before_they_are_counted(plain: TextIndex) -> None:
    assert plain.search(["red"], 2, LabelSet(np.asarray([8, 9]))) == [8, 9]
    assert plain.search(["red"], 2, LabelSet(np.asarray([12]))) == []


def test_porter_joins_the_forms_of_a_word(plain: TextIndex, stemmed: TextIndex) -> None:
    assert plain.search(["dressing"], 10) == []
    assert stemmed.search(["dressing"], 10) == [3, 5, 9]
    assert (plain.terms("Café Dresses"), stemmed.terms("Café Dresses")) == (["cafe", "dresses"], ["cafe", "dress"])


@pytest.mark.parametrize(
    "text", ["near and or not", 'near"', "near*", "title:near", "(near", "^near", "-near", "near + or"]
)
def test_syntax_of_the_search_engine_is_text(plain: TextIndex, text: str) -> None:
    assert plain.search(words_of(text), 10) in ([20], [])


def test_a_quote_ends_no_phrase(plain: TextIndex) -> None:
    """Were `OR` read as an operator, product 20 would not be found by it."""
    assert set(plain.search(words_of('red" OR "apron'), 10)) == {3, 5, 8, 9, 20}


@examples(deadline=None, max_examples=300)
@given(text=st.text(st.characters(exclude_categories=()), max_size=2 * MAX_WORDS))
def test_whatever_is_typed_is_searched_for_unless_it_has_no_letter_or_digit(plain: TextIndex, text: str) -> None:
    if not any(map(str.isalnum, text)):
        with pytest.raises(InvalidRequest, match="has 0 words"):
            words_of(text)
        return
    words = words_of(text)
    assert set(plain.search(words, 10)) <= PRODUCTS.keys()
    plain.terms(" ".join(words))
    assert plain.terms("Red") == ["red"]  # nothing is left of the text before


def test_too_many_words_are_refused() -> None:
    text = " ".join(map(str, range(MAX_WORDS)))
    assert len(words_of(text)) == MAX_WORDS
    with pytest.raises(InvalidRequest, match=f"{MAX_WORDS + 1} words") as caught:
        words_of(f"{text} another")
    assert (caught.value.field, caught.value.limit) == ("text", MAX_WORDS)


def test_a_repeated_word_counts_once() -> None:
    assert words_of("red dress RED red") == ["red", "dress"]


def test_a_sqlite_without_fts5_is_reported_with_a_remedy(tmp_path: Path) -> None:
    """Its module is missing to every such SQLite, whatever the module is called."""
    path = write(tmp_path / "catalog.sqlite", PRODUCTS)
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA writable_schema = ON")
        db.execute("UPDATE sqlite_master SET sql = replace(sql, 'fts5', 'fts_absent') WHERE name = 'texts'")
    with pytest.raises(ConfigurationError, match=f"SQLite {sqlite3.sqlite_version} has no FTS5") as caught:
        TextIndex(path, "unicode61")
    assert "python3.12" in str(caught.value.remedy)


def test_a_catalog_without_the_index_it_should_have_is_corrupt(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    write_catalog(path, [CatalogRow("p", "p.jpg")], Labels({"p": 0}, {}, 1), ())
    with pytest.raises(BundleCorrupt, match="no such table"):
        TextIndex(path, "unicode61")
