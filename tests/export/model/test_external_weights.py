"""Weights in a file of their own: exported, indexed, published, fetched and mapped like the rest of the encoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest

from export.bundle.write_bundle import describe_model
from export.model import external_weights
from export.reindex.encoders import fetch_encoder
from handler.errors import BundleCorrupt
from handler.model_files import model_key
from handler.open_bundle import OpenBundle
from handler.photos.encoder import ENCODER_FILE, SPEC_FILE, WEIGHTS_FILE, Encoder
from handler.stores.store import DirectoryStore
from tests.conftest import draw_photos, run_index
from tests.export.model.tiny_models import SIDE, run, write_checkpoint

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint("vit", tmp_path_factory.mktemp("checkpoint") / "vit", spread=0.2)


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(external_weights, "LARGE", 100_000)


def embed(directory: Path, *, prepack: bool = True) -> np.ndarray:
    pixels = np.random.default_rng(0).standard_normal((3, 3, SIDE, SIDE), dtype=np.float32)
    return Encoder(directory, threads=1, prepack=prepack).encode(pixels)


@pytest.mark.usefixtures("large")
def test_large_weights_are_exported_to_their_own_file(checkpoint: Path, tiny_photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    report = run(checkpoint, out, tiny_photos)
    assert {path.name for path in out.iterdir()} == {ENCODER_FILE, WEIGHTS_FILE, SPEC_FILE}
    graph = onnx.load(str(out / ENCODER_FILE), load_external_data=False)
    assert (out / ENCODER_FILE).stat().st_size < 100_000 < (out / WEIGHTS_FILE).stat().st_size
    assert {entry.value for tensor in graph.graph.initializer for entry in tensor.external_data[:1]} == {WEIGHTS_FILE}
    assert report.file_bytes == sum((out / name).stat().st_size for name in (ENCODER_FILE, WEIGHTS_FILE))
    mapped = embed(out, prepack=False)
    np.testing.assert_allclose(mapped, embed(out), atol=1e-5)


def test_a_smaller_export_leaves_no_weights_of_the_one_before(
    checkpoint: Path, tiny_photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(external_weights, "LARGE", 100_000)
        run(checkpoint, out, tiny_photos)
    large = embed(out)
    run(checkpoint, out, tiny_photos)
    assert {path.name for path in out.iterdir()} == {ENCODER_FILE, SPEC_FILE}
    np.testing.assert_allclose(embed(out), large, atol=1e-5)


@pytest.mark.usefixtures("large")
def test_a_bundle_lists_publishes_and_opens_the_weights(checkpoint: Path, tiny_photos: Path, tmp_path: Path) -> None:
    encoder = tmp_path / "encoder"
    run(checkpoint, encoder, tiny_photos)
    photos = draw_photos(tmp_path / "photos")
    (photos / "catalog.jsonl").unlink()
    run_index(photos, tmp_path / "bundles", encoder)
    store = DirectoryStore(tmp_path / "bundles")
    bundle = OpenBundle(store, store.current().version)
    assert set(bundle.manifest.model.files) == {ENCODER_FILE, WEIGHTS_FILE, SPEC_FILE}
    photo = (photos / "blue" / "03.jpg").read_bytes()
    found = bundle.index.nearest(bundle.embed_photo(photo), 1)[0]
    assert bundle.catalog.by_labels([found.label])[found.label].id == "blue/03"

    fingerprint = bundle.manifest.model.fingerprint
    fetched = fetch_encoder(store, fingerprint, tmp_path / "fetched")
    np.testing.assert_array_equal(embed(fetched), embed(encoder))
    assert describe_model(fetched) == bundle.manifest.model
    (tmp_path / "bundles" / model_key(fingerprint, WEIGHTS_FILE)).unlink()
    with pytest.raises(BundleCorrupt, match="have the fingerprint"):
        fetch_encoder(store, fingerprint, tmp_path / "again")
