"""A text tower goes through the export beside its image tower, finds what PyTorch finds, and is refused otherwise."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from export.bundle.write_bundle import describe_model
from export.model import text_tower
from export.model.checkpoint import load_checkpoint
from export.model.text_tower import load_text_tower
from handler.errors import ModelUnsupported, ParityTooLow
from handler.model_files import TEXT_ENCODER_FILE, TEXT_FILES, TOKENIZER_FILE
from handler.photos.encoder import Encoder
from handler.photos.images import decode, preprocess
from handler.words.text_encoder import TextEncoder
from tests.export.model.tiny_clip import COLORS
from tests.export.model.tiny_models import run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def exported(tiny_clips: dict[str, Path], colored_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The CLIP in float32 with its text tower. Read only."""
    out = tmp_path_factory.mktemp("exported") / "clip"
    run(tiny_clips["clip"], out, colored_photos, text=True)
    return out


@pytest.mark.parametrize(("kind", "precision"), [("siglip", "fp32"), ("clip", "int8")])
def test_a_text_finds_the_photos_it_names(
    kind: str, precision: Any, tiny_clips: dict[str, Path], colored_photos: Path, tmp_path: Path
) -> None:
    report = run(tiny_clips[kind], tmp_path / "out", colored_photos, text=True, precision=precision)
    assert report.text is not None
    assert report.text.neighbors_kept >= report.floors.neighbors
    assert describe_model(tmp_path / "out").files.keys() >= TEXT_FILES
    graph = onnx.load(str(tmp_path / "out" / TEXT_ENCODER_FILE)).graph
    assert any(node.op_type == "MatMulInteger" for node in graph.node) == (precision == "int8")

    encoder, texts = Encoder(tmp_path / "out"), TextEncoder(tmp_path / "out")
    photos = sorted(colored_photos.iterdir())
    pixels = [preprocess(decode(path.read_bytes()), encoder.spec.preprocessing) for path in photos]
    vectors = np.concatenate([encoder.encode(one[None]) for one in pixels])
    for place, color in enumerate(COLORS):
        best = np.argsort(-(vectors @ texts.encode(color)))[: len(photos) // len(COLORS)]
        assert (best % len(COLORS) == place).mean() > 0.8, color


def test_a_bundle_reads_texts_as_the_checkpoint_s_own_tokenizer_does(
    exported: Path, tiny_clips: dict[str, Path]
) -> None:
    tower = load_text_tower(str(tiny_clips["clip"]), load_checkpoint(str(tiny_clips["clip"])))
    texts = TextEncoder(exported)
    for text in ("red", "RED dress", "vase " * 30, "unheard-of", ""):
        np.testing.assert_allclose(texts.encode(text), tower.embed([text[:200]])[0], atol=1e-5)


def test_an_export_without_text_takes_an_earlier_text_tower_away(
    exported: Path, tiny_clips: dict[str, Path], colored_photos: Path, tmp_path: Path
) -> None:
    shutil.copytree(exported, tmp_path / "out")
    assert (tmp_path / "out" / TOKENIZER_FILE).exists()
    report = run(tiny_clips["clip"], tmp_path / "out", colored_photos)
    assert report.text is None
    assert not TEXT_FILES & {path.name for path in (tmp_path / "out").iterdir()}


def test_a_text_tower_that_finds_other_photos_is_refused(
    tiny_clips: dict[str, Path], colored_photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(path: Path, _precision: str) -> None:
        model = onnx.load(str(path))
        words = next(tensor for tensor in model.graph.initializer if "token_embedding" in tensor.name)
        values = numpy_helper.to_array(words)
        words.CopyFrom(numpy_helper.from_array(np.roll(values, 1, axis=0), words.name))
        onnx.save(model, str(path))

    monkeypatch.setattr(text_tower, "quantize", broken)
    with pytest.raises(ParityTooLow, match=r"text tower's .* nothing was written"):
        run(tiny_clips["clip"], tmp_path / "out", colored_photos, text=True)
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_without_a_text_tower_is_refused(
    tiny_checkpoints: dict[str, Path], colored_photos: Path, tmp_path: Path
) -> None:
    with pytest.raises(ModelUnsupported, match="has no text tower") as refused:
        run(tiny_checkpoints["vit"], tmp_path / "out", colored_photos, text=True)
    assert "omit --text" in str(refused.value)


def test_a_pooling_that_leaves_the_shared_space_is_refused(
    tiny_clips: dict[str, Path], colored_photos: Path, tmp_path: Path
) -> None:
    with pytest.raises(ModelUnsupported, match="share no space"):
        run(tiny_clips["clip"], tmp_path / "out", colored_photos, text=True, pooling="cls")


def test_a_checkpoint_without_a_tokenizer_is_refused(
    tiny_clips: dict[str, Path], colored_photos: Path, tmp_path: Path
) -> None:
    bare = shutil.copytree(tiny_clips["clip"], tmp_path / "clip", ignore=shutil.ignore_patterns("*token*"))
    with pytest.raises(ModelUnsupported, match="The checkpoint's tokenizer"):
        run(bare, tmp_path / "out", colored_photos, text=True)
    assert not (tmp_path / "out").exists()


def test_the_model_s_fingerprint_covers_its_text_tower(exported: Path, tmp_path: Path) -> None:
    shutil.copytree(exported, tmp_path / "out")
    (tmp_path / "out" / TEXT_ENCODER_FILE).write_bytes(b"other")
    assert describe_model(tmp_path / "out").fingerprint != describe_model(exported).fingerprint
