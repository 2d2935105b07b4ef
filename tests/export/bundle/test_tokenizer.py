"""The tokenizer of the text index is chosen once and kept, and another one is reason enough for a new bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rich.progress import Progress

from export.index_catalog import index_catalog
from export.photos.read_catalog import read_catalog
from handler.manifest import WORDS_FILE
from handler.open_bundle import OpenBundle
from handler.stores.store import DirectoryStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from export.index_catalog import IndexReport
    from handler.manifest import Tokenizer

    Index = Callable[[Tokenizer | None], IndexReport]


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(tmp_path / "bundles")


@pytest.fixture
def index(store: DirectoryStore, photos: Path, encoder_directory: Path, tmp_path: Path) -> Index:
    source, cache = read_catalog(photos / "catalog.jsonl"), tmp_path / "embeddings.sqlite"

    def run(tokenizer: Tokenizer | None) -> IndexReport:
        progress = Progress(disable=True)
        return index_catalog(source, store, encoder_directory, cache, progress, tokenizer=tokenizer)

    return run


def current(store: DirectoryStore) -> OpenBundle:
    return OpenBundle(store, store.current().version)


def test_a_tokenizer_is_kept_until_another_is_asked_for(index: Index, store: DirectoryStore) -> None:
    index("porter")
    assert current(store).manifest.catalog.tokenizer == "porter"
    assert not index(None).published
    assert not index("porter").published
    again = index("unicode61")
    assert (again.published, again.embedded) == (True, 0)
    assert current(store).manifest.catalog.tokenizer == "unicode61"


def test_stems_find_other_forms_of_a_word(index: Index, store: DirectoryStore) -> None:
    index(None)
    assert current(store).manifest.catalog.tokenizer == "unicode61"
    assert current(store).text_search.find("sanding", 3) == []
    index("porter")
    bundle = current(store)
    found = bundle.catalog.by_labels([one.label for one in bundle.text_search.find("sanding", 3)])
    assert {product.id.partition("-")[0] for product in found.values()} == {"sand"}


def test_a_bundle_has_vectors_for_the_words_that_its_photos_show(index: Index, store: DirectoryStore) -> None:
    index(None)
    bundle = current(store)
    assert WORDS_FILE in bundle.manifest.files
    assert bundle.text_search.direction("red") is not None
    assert bundle.text_search.direction("zeppelin") is None
