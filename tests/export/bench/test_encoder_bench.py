"""The encoder's benchmark on a tiny checkpoint: every side runs, agrees with PyTorch, and is written down."""

from __future__ import annotations

import importlib.util
import json
import sys
from typing import TYPE_CHECKING

from export.bench import encoder
from export.model.checkpoint import load_checkpoint
from tests.export.model.tiny_models import write_checkpoint, write_photos

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_every_precision_is_measured_beside_pytorch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = write_checkpoint("vit", tmp_path / "vit", spread=0.2)
    photos = write_photos(tmp_path / "photos")
    out = tmp_path / "out"
    arguments = [str(checkpoint), "--photos", str(photos), "--turns", "2", "--out", str(out)]
    peer = importlib.util.find_spec("openvino") is not None
    monkeypatch.setattr(sys, "argv", ["encoder", *arguments, *(["--openvino"] if peer else [])])
    encoder.main()
    results = json.loads((out / "encoder.json").read_text())
    assert list(results["sides"])[:5] == ["PyTorch fp32", "fp32", "fp16", "w8", "int8"]
    assert results["photos"] == 64
    for name in ("fp32", "fp16", "w8", "int8", *(["int8, openvino", "int8, openvino, bfloat16"] if peer else [])):
        side = results["sides"][name]
        assert side["neighbors_kept"] > 0.8
        assert (
            min(side["megabytes"], side["import_ms"], side["open_ms"], side["first_ms"], *side["latency_ms"].values())
            > 0
        )
        assert ("to_peer" in side) == peer
    assert results["sides"]["fp32"]["neighbors_kept"] == 1
    assert (out / "encoder.png").stat().st_size > 10_000
    assert "neighbors kept" in capsys.readouterr().out


def test_multiplications_of_a_known_shape(tmp_path: Path) -> None:
    """Two blocks of 17 tokens and 64 dimensions with an MLP of 128, on 16 patches of 8 x 8 pixels."""
    checkpoint = load_checkpoint(str(write_checkpoint("vit", tmp_path / "vit")))
    block = 17 * (3 * 64 * 64 + 64 * 64 + 2 * 64 * 128) + 2 * 17 * 17 * 64
    assert encoder.multiplications(checkpoint) == 2 * block + 16 * 3 * 8 * 8 * 64
