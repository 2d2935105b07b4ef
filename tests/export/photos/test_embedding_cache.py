"""No photo is embedded twice: what a second run does after each kind of change."""

from __future__ import annotations

import os
import shutil
import sqlite3
from typing import TYPE_CHECKING

import numpy as np
import pytest

from export import index_catalog
from export.photos import embed_catalog
from export.photos.embedding_cache import Embedded, EmbeddingCache
from handler.errors import ConfigurationError
from handler.local.local_state import LocalState
from handler.stores.store import DirectoryStore
from tests.conftest import run_index
from tests.export.support import draw, draw_all, write
from tests.tiny_encoder import write_tiny_encoder

if TYPE_CHECKING:
    from pathlib import Path

COUNT = 40


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory, encoder_directory: Path) -> Path:
    """A directory with `photos/000.png` ... and the store `bundles`, indexed once. Copied for each test."""
    root = tmp_path_factory.mktemp("indexed")
    draw_all(root / "photos", range(COUNT))
    assert run_index(root / "photos", root / "bundles", encoder_directory).embedded == COUNT
    return root


@pytest.fixture
def shop(indexed: Path, tmp_path: Path) -> Path:
    shutil.copytree(indexed, tmp_path / "shop")
    return tmp_path / "shop"


def refuse_to_open(_directory: Path, **_: object) -> object:
    raise AssertionError("the encoder was opened although there was nothing to embed")


def test_a_second_run_opens_no_encoder_and_publishes_nothing(
    shop: Path, encoder_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_index(shop / "photos", shop / "bundles", encoder_directory)  # the copy's files have paths of their own
    before = sorted(path for path in (shop / "bundles").rglob("*") if ".local" not in path.parts)
    pointer = DirectoryStore(shop / "bundles").current()
    monkeypatch.setattr(index_catalog, "Encoder", refuse_to_open)
    report = run_index(shop / "photos", shop / "bundles", encoder_directory)
    assert (report.embedded, report.published, report.new, report.removed) == (0, False, 0, 0)
    assert DirectoryStore(shop / "bundles").current() == pointer
    assert sorted(path for path in (shop / "bundles").rglob("*") if ".local" not in path.parts) == before


def test_touching_a_photo_embeds_nothing(shop: Path, encoder_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for photo in (shop / "photos").iterdir():
        os.utime(photo, ns=(1, 1))
    monkeypatch.setattr(index_catalog, "Encoder", refuse_to_open)
    report = run_index(shop / "photos", shop / "bundles", encoder_directory)
    assert (report.embedded, report.published) == (0, False)


def test_renaming_a_photo_embeds_nothing_and_publishes(shop: Path, encoder_directory: Path) -> None:
    (shop / "photos" / "003.png").rename(shop / "photos" / "new-name.png")
    report = run_index(shop / "photos", shop / "bundles", encoder_directory)
    assert (report.embedded, report.published, report.new, report.removed) == (0, True, 1, 1)


@pytest.mark.parametrize("name", ["003.png", "brand-new.png"])
def test_one_changed_or_new_photo_is_the_only_one_embedded(shop: Path, encoder_directory: Path, name: str) -> None:
    draw(shop / "photos" / name, 999)
    report = run_index(shop / "photos", shop / "bundles", encoder_directory)
    assert (report.embedded, report.published) == (1, True)
    assert report.new == (name == "brand-new.png")


def test_copies_of_one_photo_are_embedded_once(shop: Path, encoder_directory: Path) -> None:
    draw(shop / "photos" / "copy-0.png", 999)
    for number in range(1, 5):
        shutil.copy(shop / "photos" / "copy-0.png", shop / "photos" / f"copy-{number}.png")
    assert run_index(shop / "photos", shop / "bundles", encoder_directory).embedded == 1


def test_another_model_embeds_all_and_the_first_is_not_forgotten(
    shop: Path, encoder_directory: Path, tmp_path: Path
) -> None:
    other = write_tiny_encoder(tmp_path / "other", seed=1)
    assert run_index(shop / "photos", shop / "bundles", other).embedded == COUNT
    back = run_index(shop / "photos", shop / "bundles", encoder_directory)
    assert (back.embedded, back.published) == (0, True)


def test_a_change_of_fields_embeds_nothing_and_publishes(shop: Path, encoder_directory: Path) -> None:
    for price in (5, 6):
        write(shop / "photos" / "list.csv", f"id,image,price\na,000.png,{price}\nb,001.png,7\n")
        report = run_index(shop / "photos" / "list.csv", shop / "bundles", encoder_directory)
        assert (report.embedded, report.published, report.products) == (0, True, 2)


def test_what_was_embedded_before_an_error_is_kept(
    tmp_path: Path, encoder_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_all(tmp_path / "photos", range(COUNT))
    batches = iter(range(2))
    put = EmbeddingCache.put

    def fail_after_two(*args: object) -> None:
        if next(batches, None) is None:
            raise MemoryError
        put(*args)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(EmbeddingCache, "put", fail_after_two)
        with pytest.raises(MemoryError):
            run_index(tmp_path / "photos", tmp_path / "bundles", encoder_directory)
    assert not (tmp_path / "bundles" / "current.json").exists()
    report = run_index(tmp_path / "photos", tmp_path / "bundles", encoder_directory)
    assert (report.products, report.embedded) == (COUNT, COUNT - 2 * embed_catalog.BATCH)


def test_a_result_comes_back_as_it_was_put(tmp_path: Path) -> None:
    vector = np.arange(5, dtype=np.float32)
    path = tmp_path / "deep" / "cache.sqlite"
    with EmbeddingCache(path) as cache:
        cache.put("model", [("good", Embedded(vector)), ("bad", Embedded(None, "why"))])
    with EmbeddingCache(path) as cache:
        found = cache.get("good", "model")
        assert found is not None
        assert found.vector is not None
        assert found.vector.tobytes() == vector.tobytes()
        assert cache.get("bad", "model") == Embedded(None, "why")
        assert cache.get("good", "another model") is None


def test_looking_at_photos_keeps_no_other_run_waiting(tmp_path: Path) -> None:
    path = tmp_path / "cache.sqlite"
    with EmbeddingCache(path) as cache:
        cache.content_hash(write(tmp_path / "a.jpg", "a"))
        other = sqlite3.connect(path, timeout=0)
        with other:
            other.execute("DELETE FROM files")
        other.close()


def test_a_file_that_is_not_a_cache_is_named_with_the_remedy(tmp_path: Path, encoder_directory: Path) -> None:
    draw(tmp_path / "photos" / "a.png", 1)
    cache = write(
        LocalState(tmp_path / "bundles").embedding_cache, "not a database, but long enough to be looked at" * 9
    )
    with pytest.raises(ConfigurationError, match=r"embeddings\.sqlite cannot be used .*Delete it"):
        run_index(tmp_path / "photos", tmp_path / "bundles", encoder_directory)
    cache.unlink()
    assert run_index(tmp_path / "photos", tmp_path / "bundles", encoder_directory).embedded == 1
