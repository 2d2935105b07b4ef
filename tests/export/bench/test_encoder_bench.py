"""The encoder's benchmark on a tiny checkpoint: every side runs, agrees with PyTorch, and is written down."""

from __future__ import annotations

import importlib.util
import json
import sys
from typing import TYPE_CHECKING

import pytest

from export.bench import encoder
from export.bench.encoder_directories import graph_multiplications, open_directories
from export.model.checkpoint import load_checkpoint
from export.model.join import join_encoders
from handler.errors import ConfigurationError
from handler.photos.encoder import ENCODER_FILE, SPEC_FILE, EncoderSpec
from tests.export.model.tiny_models import SIDE, run, write_checkpoint, write_photos
from tests.tiny_encoder import write_tiny_encoder

if TYPE_CHECKING:
    from pathlib import Path

    from export.model.quantize import Precision

PEER = importlib.util.find_spec("openvino") is not None


def test_every_precision_is_measured_beside_pytorch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = write_checkpoint("vit", tmp_path / "vit", spread=0.2)
    photos = write_photos(tmp_path / "photos")
    out = tmp_path / "out"
    arguments = [str(checkpoint), "--photos", str(photos), "--turns", "2", "--out", str(out)]
    monkeypatch.setattr(sys, "argv", ["encoder", *arguments, *(["--openvino"] if PEER else [])])
    encoder.main()
    results = json.loads((out / "encoder.json").read_text())
    assert list(results["sides"])[:5] == ["PyTorch fp32", "fp32", "fp16", "w8", "int8"]
    assert results["photos"] == 64
    for name in ("fp32", "fp16", "w8", "int8", *(["int8, openvino", "int8, openvino, bfloat16"] if PEER else [])):
        side = results["sides"][name]
        assert side["neighbors_kept"] > 0.8
        assert (
            min(side["megabytes"], side["import_ms"], side["open_ms"], side["first_ms"], *side["latency_ms"].values())
            > 0
        )
        assert ("to_peer" in side) == PEER
    assert results["sides"]["fp32"]["neighbors_kept"] == 1
    assert (out / "encoder.png").stat().st_size > 10_000
    assert "neighbors kept" in capsys.readouterr().out


def test_multiplications_of_a_known_shape(tmp_path: Path) -> None:
    """Two blocks of 17 tokens and 64 dimensions with an MLP of 128, on 16 patches of 8 x 8 pixels."""
    checkpoint = load_checkpoint(str(write_checkpoint("vit", tmp_path / "vit")))
    block = 17 * (3 * 64 * 64 + 64 * 64 + 2 * 64 * 128) + 2 * 17 * 17 * 64
    assert encoder.multiplications(checkpoint) == 2 * block + 16 * 3 * 8 * 8 * 64


def joined(tmp_path: Path, photos: Path, precision: Precision) -> Path:
    """A ViT and a DINOv2 with other normalization, exported in `precision` and joined."""
    parts = []
    for family in ("vit", "dinov2"):
        checkpoint, part = tmp_path / family, tmp_path / f"{family}-{precision}"
        if not checkpoint.exists():
            write_checkpoint(family, checkpoint, spread=0.2)
        run(checkpoint, part, photos, precision=precision, pooling="mean")
        parts.append(part)
    join_encoders(parts, tmp_path / precision, [1.0, 1.0])
    return tmp_path / precision


def test_a_joined_encoder_is_measured_in_the_precisions_it_was_exported_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = write_photos(tmp_path / "photos")
    directories = [str(joined(tmp_path, photos, precision)) for precision in ("fp32", "int8")]
    out = tmp_path / "out"
    arguments = ["--encoders", *directories, "--photos", str(photos), "--turns", "2", "--out", str(out)]
    monkeypatch.setattr(sys, "argv", ["encoder", *arguments, *(["--openvino"] if PEER else [])])
    encoder.main()
    results = json.loads((out / "encoder.json").read_text())
    assert results["pooling"] == "joined"
    assert list(results["sides"]) == ["fp32", "int8", *(["OpenVINO NNCF int8"] if PEER else [])]
    written = (tmp_path / "int8" / ENCODER_FILE).stat().st_size
    assert results["sides"]["int8"]["megabytes"] == round(written / 1e6, 1)
    for side in list(results["sides"].values())[1:]:
        assert 0.99 < side["cosine"] < 1
        assert side["neighbors_kept"] > 0.8
    # Whatever is joined computes both.
    parts = (load_checkpoint(str(tmp_path / family), pooling="mean") for family in ("vit", "dinov2"))
    assert results["multiplications"] == sum(map(encoder.multiplications, parts))


def test_multiplications_of_convolutions_and_products_in_a_graph(tmp_path: Path) -> None:
    """A DINOv2 of one block: 16 patches of 8 x 8 pixels by convolution, 17 tokens of 64 dimensions, an MLP of 128."""
    checkpoint = write_checkpoint("dinov2", tmp_path / "dinov2", blocks=1)
    run(checkpoint, tmp_path / "fp32", write_photos(tmp_path / "photos"), pooling="mean")
    block = 17 * (4 * 64 * 64 + 2 * 64 * 128) + 2 * 17 * 17 * 64
    counted = graph_multiplications(tmp_path / "fp32" / ENCODER_FILE, (SIDE, SIDE))
    assert counted == block + 16 * 3 * 8 * 8 * 64


def test_encoders_that_cannot_be_compared_are_refused(tmp_path: Path) -> None:
    first = write_tiny_encoder(tmp_path / "first")
    other = write_tiny_encoder(tmp_path / "other", size=48)
    spec = EncoderSpec.read(write_tiny_encoder(tmp_path / "int8") / SPEC_FILE)
    (tmp_path / "int8" / SPEC_FILE).write_text(spec.model_copy(update={"precision": "int8"}).model_dump_json())
    for directories, message in (
        ([tmp_path / "int8", first], "int8 is in int8; the first encoder"),
        ([first, other], "other has 48 dimensions or a preprocessing other than"),
        ([first, first], "first is the second encoder in fp32"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            open_directories(directories, [], tmp_path, peer=False)
