"""A bundle whose model has a text tower: words find photos that no text describes, through the real files."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from rich.progress import Progress

from export.index_catalog import index_catalog
from export.photos.read_catalog import read_catalog
from handler.errors import BundleCorrupt, ConfigurationError
from handler.model_files import TEXT_ENCODER_FILE, TEXT_FILES, TEXT_SPEC_FILE, TOKENIZER_FILE, ModelRef, model_key
from handler.stores.store import DirectoryStore
from handler.words.text_encoder import TextEncoder
from tests.export.model.tiny_clip import COLORS, write_clip, write_colored_photos
from tests.export.model.tiny_models import run
from tests.export.support import open_current

if TYPE_CHECKING:
    from pathlib import Path

PHOTOS = 80


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported CLIP whose texts lie far from its photos."""
    root = tmp_path_factory.mktemp("clip")
    photos = write_colored_photos(root / "photos", PHOTOS)
    run(write_clip("clip", root / "checkpoint", gap=4), root / "model", photos, text=True)
    return root / "model"


@pytest.fixture
def bundles(model: Path, tmp_path: Path) -> Path:
    photos = write_colored_photos(tmp_path / "photos", PHOTOS)
    store = DirectoryStore(tmp_path / "bundles")
    index_catalog(read_catalog(photos), store, model, tmp_path / "cache.sqlite", Progress(disable=True))
    return tmp_path / "bundles"


def _share_right(bundles: Path, color: str) -> float:
    bundle = open_current(bundles)
    found = bundle.text_search.find(color, PHOTOS // len(COLORS))
    numbers = [int(product.id) for product in bundle.catalog.by_labels([one.label for one in found]).values()]
    return float(np.mean([number % len(COLORS) == list(COLORS).index(color) for number in numbers]))


def test_words_find_photos_that_no_text_describes(bundles: Path) -> None:
    assert open_current(bundles).manifest.model.files.keys() >= TEXT_FILES
    assert np.mean([_share_right(bundles, color) for color in COLORS]) > 0.9


def test_texts_are_centered_by_texts_and_not_by_photos(bundles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the photos' center the gap between both clouds outweighs what a text says."""
    projection = open_current(bundles)._projection
    assert projection is not None
    opened = TextEncoder.__init__

    def by_photos(encoder: TextEncoder, directory: Path, *, threads: int = 0) -> None:
        opened(encoder, directory, threads=threads)
        encoder.center = projection.center

    monkeypatch.setattr(TextEncoder, "__init__", by_photos)
    assert np.mean([_share_right(bundles, color) for color in COLORS]) < 0.7


def test_a_photo_search_does_not_fetch_the_text_tower(bundles: Path) -> None:
    model = open_current(bundles).manifest.model
    for name in TEXT_FILES:
        (bundles / model_key(model.fingerprint, name)).unlink()
    photo = (bundles.parent / "photos" / "000.png").read_bytes()
    assert np.isfinite(open_current(bundles).embed_photo(photo)).all()


@pytest.mark.parametrize("name", [TEXT_ENCODER_FILE, TOKENIZER_FILE, TEXT_SPEC_FILE])
def test_a_damaged_text_tower_is_reported(bundles: Path, name: str) -> None:
    model = open_current(bundles).manifest.model
    path = bundles / model_key(model.fingerprint, name)
    path.chmod(0o644)
    path.write_bytes(b"{}" + path.read_bytes()[2:])
    with pytest.raises(BundleCorrupt):
        open_current(bundles).text_search.find("red", 5)


def test_the_error_without_tokenizers_says_what_to_install(bundles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(ConfigurationError, match="`tokenizers`, which is not installed") as refused:
        open_current(bundles).text_search.find("red", 5)
    assert refused.value.remedy


def test_a_model_lists_its_text_tower_whole_or_not_at_all(bundles: Path) -> None:
    model = open_current(bundles).manifest.model
    files = {name: ref for name, ref in model.files.items() if name != TOKENIZER_FILE}
    with pytest.raises(ValueError, match=f"files must list {TOKENIZER_FILE}"):
        ModelRef.model_validate(model.model_dump() | {"files": files})
