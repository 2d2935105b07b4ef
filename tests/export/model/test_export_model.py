"""Every family goes through the export at fp32 and finds what PyTorch finds; the command shows the figures."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from export.model.checkpoint import load_checkpoint
from export.model.reference import embed
from handler.errors import ExportError
from handler.photos.encoder import ENCODER_FILE, SPEC_FILE, Encoder, EncoderSpec
from handler.photos.images import preprocess
from tests.export.model.tiny_models import SIDE, run

if TYPE_CHECKING:
    from pathlib import Path

CASES = [
    ("vit", "auto", "cls", 64),
    ("vit", "mean", "mean", 64),
    ("deit", "mean", "mean", 64),
    ("dinov2", "auto", "cls", 64),
    ("dinov2_with_registers", "mean", "mean", 64),
    ("clip_vision_model", "auto", "projection", 24),
    ("clip", "auto", "projection", 24),
    ("clip", "pooler", "pooler", 64),
    ("siglip_vision_model", "auto", "pooler", 64),
    ("siglip_vision_model", "mean", "mean", 64),
]


@pytest.mark.parametrize(("family", "asked", "pooling", "dim"), CASES)
def test_family_goes_through(
    family: str,
    asked: str,
    pooling: str,
    dim: int,
    tiny_checkpoints: dict[str, Path],
    tiny_photos: Path,
    tmp_path: Path,
) -> None:
    report = run(tiny_checkpoints[family], tmp_path / "out", tiny_photos, pooling=asked, licence="MIT")

    assert report.parity.neighbors_kept >= 0.999
    assert report.parity.cosine_min > 0.99999
    spec = EncoderSpec.read(tmp_path / "out" / SPEC_FILE)
    assert (spec.pooling, spec.precision, spec.dim, spec.source, spec.licence) == (pooling, "fp32", dim, family, "MIT")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {ENCODER_FILE, SPEC_FILE}
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_tiny_models_tell_pictures_apart(tiny_checkpoints: dict[str, Path]) -> None:
    # Else the parity of this module would hold between any two vectors.
    random = np.random.default_rng(1)
    images = [Image.fromarray(random.integers(0, 256, (1, 1, 3), dtype=np.uint8)).resize((40, 40)) for _ in range(8)]
    for directory in tiny_checkpoints.values():
        vectors = embed(load_checkpoint(str(directory)), images)
        assert np.median(vectors @ vectors.T) < 0.99


def test_every_batch_size_gives_the_same_vectors(
    tiny_checkpoints: dict[str, Path], tiny_photos: Path, tmp_path: Path
) -> None:
    run(tiny_checkpoints["dinov2"], tmp_path / "out", tiny_photos)
    encoder = Encoder(tmp_path / "out", threads=1)
    pixels = np.random.default_rng(0).standard_normal((5, 3, SIDE, SIDE), dtype=np.float32)
    one_by_one = np.concatenate([encoder.encode(pixels[i : i + 1]) for i in range(5)])
    np.testing.assert_allclose(encoder.encode(pixels), one_by_one, atol=1e-5)


def test_layers_keeps_the_first_blocks(tiny_checkpoints: dict[str, Path], tiny_photos: Path, tmp_path: Path) -> None:
    whole = run(tiny_checkpoints["vit"], tmp_path / "whole", tiny_photos)
    half = run(tiny_checkpoints["vit"], tmp_path / "half", tiny_photos, layers=1)
    assert half.file_bytes < 0.7 * whole.file_bytes

    image = Image.new("RGB", (50, 40), "teal")
    checkpoint = load_checkpoint(str(tiny_checkpoints["vit"]), layers=1)
    pixels = preprocess(image, half.spec.preprocessing)[None]
    np.testing.assert_allclose(Encoder(tmp_path / "half").encode(pixels), embed(checkpoint, [image]), atol=1e-5)
    with pytest.raises(ExportError, match="1 to 2"):
        run(tiny_checkpoints["vit"], tmp_path / "three", tiny_photos, layers=3)


def test_position_embeddings_are_baked_in(tiny_checkpoints: dict[str, Path], tiny_photos: Path, tmp_path: Path) -> None:
    import onnx

    run(tiny_checkpoints["dinov2"], tmp_path / "out", tiny_photos)
    graph = onnx.load(str(tmp_path / "out" / ENCODER_FILE)).graph
    assert "Resize" not in {node.op_type for node in graph.node}
    assert {(1, 17, 64)} == {tuple(t.dims) for t in graph.initializer if len(t.dims) == 3 and t.dims[1] > 1}


def test_pictures_of_another_size_than_trained_on(
    tiny_checkpoints: dict[str, Path], tiny_photos: Path, tmp_path: Path
) -> None:
    import shutil

    directory = tmp_path / "checkpoint"
    shutil.copytree(tiny_checkpoints["vit"], directory)
    file = directory / "preprocessor_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"size": {"height": 48, "width": 40}}))
    report = run(directory, tmp_path / "out", tiny_photos)
    assert report.spec.preprocessing.input_size == (48, 40)
    assert report.parity.cosine_min > 0.99999


def test_model_card_states_the_licence(tiny_checkpoints: dict[str, Path], tmp_path: Path) -> None:
    import shutil

    directory = tmp_path / "checkpoint"
    shutil.copytree(tiny_checkpoints["vit"], directory)
    (directory / "README.md").write_text("---\nlanguage: en\nlicense: apache-2.0\n---\n# A model\n")
    assert load_checkpoint(str(directory)).licence == "apache-2.0"
    assert load_checkpoint(str(directory), licence="mine").licence == "mine"
    assert load_checkpoint(str(tiny_checkpoints["vit"])).licence is None


def test_without_photos_the_sample_catalog_judges(tiny_checkpoints: dict[str, Path], tmp_path: Path) -> None:
    report = run(tiny_checkpoints["vit"], tmp_path / "out", None, sample=60)
    assert report.parity.photos == 60
    assert report.parity.neighbors_kept >= 0.999


def test_command_prints_figures_or_one_sentence(
    tiny_checkpoints: dict[str, Path],
    tiny_photos: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from export.cli.main import main

    def vitrine(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["vitrine", "export", "--photos", str(tiny_photos), *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        return int(left.value.code or 0), capfd.readouterr().err

    code, told = vitrine("--model", str(tiny_checkpoints["vit"]), "--out", str(tmp_path / "out"), "--precision", "fp16")
    assert code == 0
    for words in ("neighbors kept", "floor 0.99", "fp16", "PyTorch", "license"):
        assert words in told

    code, told = vitrine("--model", str(tmp_path), "--out", str(tmp_path / "none"))
    assert code == 1
    assert f"vitrine: {tmp_path} is not a checkpoint" in told
    assert "Traceback" not in told
