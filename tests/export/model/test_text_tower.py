"""A text tower goes through the export beside its image tower, finds what PyTorch finds, and is refused otherwise."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from export.bundle.write_bundle import describe_model
from export.model import text_tower
from export.model.checkpoint import load_checkpoint
from export.model.text_tower import load_text_tower
from handler.errors import ModelUnsupported, ParityTooLow
from handler.model_files import TEXT_ENCODER_FILE, TEXT_FILES, TOKENIZER_FILE
from handler.photos.encoder import Encoder
from handler.photos.images import decode, preprocess
from handler.words.text_encoder import TextEncoder
from tests.export.model.tiny_clip import COLORS, write_clip, write_colored_photos
from tests.export.model.tiny_models import run

if TYPE_CHECKING:
    from pathlib import Path

PHOTOS = 64


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_colored_photos(tmp_path_factory.mktemp("colored") / "photos", PHOTOS)


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("clip")
    return {kind: write_clip(kind, root / kind) for kind in ("clip", "siglip")}


@pytest.mark.parametrize(("kind", "precision"), [("clip", "fp32"), ("siglip", "fp32"), ("clip", "w8")])
def test_a_text_finds_the_photos_it_names(
    kind: str, precision: Any, checkpoints: dict[str, Path], photos: Path, tmp_path: Path
) -> None:
    report = run(checkpoints[kind], tmp_path / "out", photos, text=True, precision=precision)
    assert report.text is not None
    assert report.text.neighbors_kept >= report.floors.neighbors
    assert describe_model(tmp_path / "out").files.keys() >= TEXT_FILES

    encoder, texts = Encoder(tmp_path / "out"), TextEncoder(tmp_path / "out")
    pixels = [preprocess(decode(path.read_bytes()), encoder.spec.preprocessing) for path in sorted(photos.iterdir())]
    vectors = np.concatenate([encoder.encode(one[None]) for one in pixels])
    for place, color in enumerate(COLORS):
        best = np.argsort(-(vectors @ texts.encode(color)))[: PHOTOS // len(COLORS)]
        assert (best % len(COLORS) == place).mean() > 0.8, color


def test_the_tokenizer_of_the_bundle_reads_as_the_checkpoint_s(
    checkpoints: dict[str, Path], photos: Path, tmp_path: Path
) -> None:
    run(checkpoints["clip"], tmp_path / "out", photos, text=True)
    tower = load_text_tower(str(checkpoints["clip"]), load_checkpoint(str(checkpoints["clip"])))
    texts = TextEncoder(tmp_path / "out")
    for text in ("red", "RED dress", "vase " * 30, "unheard-of", ""):
        np.testing.assert_allclose(texts.encode(text), tower.embed([text[:200]])[0], atol=1e-5)


def test_an_export_without_text_takes_an_earlier_text_tower_away(
    checkpoints: dict[str, Path], photos: Path, tmp_path: Path
) -> None:
    run(checkpoints["clip"], tmp_path / "out", photos, text=True)
    assert (tmp_path / "out" / TOKENIZER_FILE).exists()
    report = run(checkpoints["clip"], tmp_path / "out", photos)
    assert report.text is None
    assert not TEXT_FILES & {path.name for path in (tmp_path / "out").iterdir()}


def test_a_text_tower_that_finds_other_photos_is_refused(
    checkpoints: dict[str, Path], photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnx
    from onnx import numpy_helper

    def broken(path: Path, _precision: str) -> None:
        model = onnx.load(str(path))
        words = next(tensor for tensor in model.graph.initializer if "token_embedding" in tensor.name)
        values = numpy_helper.to_array(words)
        words.CopyFrom(numpy_helper.from_array(np.roll(values, 1, axis=0), words.name))
        onnx.save(model, str(path))

    monkeypatch.setattr(text_tower, "quantize", broken)
    with pytest.raises(ParityTooLow, match=r"text tower's .* nothing was written"):
        run(checkpoints["clip"], tmp_path / "out", photos, text=True)
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_without_a_text_tower_is_refused(
    tiny_checkpoints: dict[str, Path], photos: Path, tmp_path: Path
) -> None:
    with pytest.raises(ModelUnsupported, match="has no text tower") as refused:
        run(tiny_checkpoints["vit"], tmp_path / "out", photos, text=True)
    assert "omit --text" in str(refused.value)


def test_a_pooling_that_leaves_the_shared_space_is_refused(
    checkpoints: dict[str, Path], photos: Path, tmp_path: Path
) -> None:
    with pytest.raises(ModelUnsupported, match="share no space"):
        run(checkpoints["clip"], tmp_path / "out", photos, text=True, pooling="cls")


def test_a_checkpoint_without_a_tokenizer_is_refused(
    checkpoints: dict[str, Path], photos: Path, tmp_path: Path
) -> None:
    bare = shutil.copytree(checkpoints["clip"], tmp_path / "clip", ignore=shutil.ignore_patterns("*token*"))
    with pytest.raises(ModelUnsupported, match="The checkpoint's tokenizer"):
        run(bare, tmp_path / "out", photos, text=True)
    assert not (tmp_path / "out").exists()


def test_the_files_hold_what_the_manifest_lists(checkpoints: dict[str, Path], photos: Path, tmp_path: Path) -> None:
    run(checkpoints["clip"], tmp_path / "out", photos, text=True)
    with_text = describe_model(tmp_path / "out")
    (tmp_path / "out" / TEXT_ENCODER_FILE).write_bytes(b"other")
    assert describe_model(tmp_path / "out").fingerprint != with_text.fingerprint
