"""A bundle whose model has a text tower: words find photos that no text describes, through the real files."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from handler import lambda_entry
from handler.errors import BundleCorrupt, ConfigurationError
from handler.model_files import TEXT_ENCODER_FILE, TEXT_FILES, TEXT_SPEC_FILE, TOKENIZER_FILE, ModelRef, model_key
from handler.words.text_encoder import TextEncoder
from tests.conftest import KEY, run_index
from tests.export.model.tiny_clip import COLORS
from tests.export.model.tiny_models import run
from tests.export.support import open_current
from tests.handler.support import event, send

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHOWN = 10
"""Photos of each color in the shop."""


@pytest.fixture(scope="module")
def published(tiny_clips: dict[str, Path], colored_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a bundle whose model is a CLIP with texts far from its photos. Read only."""
    root = tmp_path_factory.mktemp("shop")
    run(tiny_clips["gap"], root / "model", colored_photos, text=True)
    run_index(colored_photos, root / "bundles", root / "model")
    return root / "bundles"


@pytest.fixture
def damaged(published: Path, tmp_path: Path) -> Path:
    """A copy of the store, to be damaged."""
    return shutil.copytree(published, tmp_path / "bundles")


def _share_right(bundles: Path, color: str) -> float:
    bundle = open_current(bundles)
    found = bundle.text_search.find(color, SHOWN)
    numbers = [int(product.id) for product in bundle.catalog.by_labels([one.label for one in found]).values()]
    return float(np.mean([number % len(COLORS) == list(COLORS).index(color) for number in numbers]))


def test_words_find_photos_that_no_text_describes(published: Path) -> None:
    assert open_current(published).manifest.model.files.keys() >= TEXT_FILES
    assert np.mean([_share_right(published, color) for color in COLORS]) > 0.9


@pytest.fixture
def gateway(published: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The Lambda entry point over the store."""
    monkeypatch.setenv("VITRINE_BUNDLES", str(published))
    monkeypatch.setenv("VITRINE_SIGNING_KEYS", KEY)
    lambda_entry._adapter.cache_clear()
    yield
    lambda_entry._adapter.cache_clear()


def _right(items: list[dict[str, Any]], color: str) -> float:
    return float(np.mean([int(item["id"]) % len(COLORS) == list(COLORS).index(color) for item in items]))


@pytest.mark.usefixtures("gateway")
def test_a_session_begins_with_words_that_only_the_text_tower_knows() -> None:
    alone = send(event("search_text", {"text": "red", "count": SHOWN // 2}))
    assert alone.status == 200
    assert _right(alone.json["items"], "red") > 0.7

    first = send(event("start_session", {"seed": "tower"})).json
    page = send(event("search_text", {"text": "blue", "session": first["session"]})).json
    searched = [item for item in page["items"] if item["reason"] == "searched"]
    assert (page["searched"], len(searched)) == ("blue", 5)
    assert _right(searched, "blue") > 0.7
    assert {tuple(item["because"]) for item in searched} == {()}

    # Likes of anything but blue outweigh the words before long.
    liked: list[str] = []
    after = page
    for _ in range(3):
        new = [item["id"] for item in after["items"] if item["reason"] == "random"][:2]
        liked += new
        after = send(event("next_page", {"session": after["session"], "liked": new})).json
    similar = [item for item in after["items"] if item["reason"] == "similar"]
    assert after["searched"] == "blue"
    assert similar
    assert all(item["because"] and set(item["because"]) <= set(liked) for item in similar)

    while after["round"] > 2:
        after = send(event("undo", {"session": after["session"]})).json
    assert after["searched"] == "blue"
    assert [item["id"] for item in after["items"]] == [item["id"] for item in page["items"]]
    start = send(event("undo", {"session": after["session"]})).json
    assert start["searched"] is None
    assert [item["id"] for item in start["items"]] == [item["id"] for item in first["items"]]


def test_texts_are_centered_by_texts_and_not_by_photos(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the photos' center the gap between both clouds outweighs what a text says."""
    projection = open_current(published)._projection
    assert projection is not None
    opened = TextEncoder.__init__

    def by_photos(encoder: TextEncoder, directory: Path, *, threads: int = 0) -> None:
        opened(encoder, directory, threads=threads)
        encoder.center = projection.center

    monkeypatch.setattr(TextEncoder, "__init__", by_photos)
    assert np.mean([_share_right(published, color) for color in COLORS]) < 0.7


def test_a_photo_search_does_not_fetch_the_text_tower(damaged: Path, colored_photos: Path) -> None:
    model = open_current(damaged).manifest.model
    for name in TEXT_FILES:
        (damaged / model_key(model.fingerprint, name)).unlink()
    photo = (colored_photos / "000.png").read_bytes()
    assert np.isfinite(open_current(damaged).embed_photo(photo)).all()


@pytest.mark.parametrize("name", [TEXT_ENCODER_FILE, TOKENIZER_FILE, TEXT_SPEC_FILE])
def test_no_file_of_a_text_tower_is_opened_but_the_one_that_the_manifest_names(damaged: Path, name: str) -> None:
    model = open_current(damaged).manifest.model
    path = damaged / model_key(model.fingerprint, name)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(BundleCorrupt, match="is not the file that its manifest names"):
        open_current(damaged).text_search.find("red", 5)


def test_the_error_without_tokenizers_says_what_to_install(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(ConfigurationError, match="`tokenizers`, which is not installed") as refused:
        open_current(published).text_search.find("red", 5)
    assert refused.value.remedy


def test_a_model_lists_its_text_tower_whole_or_not_at_all(published: Path) -> None:
    model = open_current(published).manifest.model
    files = {name: ref for name, ref in model.files.items() if name != TOKENIZER_FILE}
    with pytest.raises(ValueError, match=f"files must list {TOKENIZER_FILE}"):
        ModelRef.model_validate(model.model_dump() | {"files": files})
