"""What an export refuses, in which words, and that it leaves the disk as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from export.model import export_model as module
from export.model import write_graph
from export.model.checkpoint import load_checkpoint
from handler.errors import ConfigurationError, ExportError, ModelUnavailable, ModelUnsupported, ParityTooLow
from handler.photos.encoder import Encoder
from tests.export.model.tiny_models import run, write_checkpoint, write_photos

if TYPE_CHECKING:
    from pathlib import Path


def _wrong_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: Any, **options: Any) -> Any:
        from dataclasses import replace

        checkpoint = load_checkpoint(*arguments, **options)
        return replace(checkpoint, preprocessing=checkpoint.preprocessing.model_copy(update={"mean": (0.0, 0.0, 0.0)}))

    monkeypatch.setattr(module, "load_checkpoint", broken)


def _perturbed_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    import onnx
    from onnx import numpy_helper

    def broken(path: Path, _precision: str) -> None:
        model = onnx.load(str(path))
        tensor = max(model.graph.initializer, key=lambda tensor: len(tensor.raw_data))
        values = numpy_helper.to_array(tensor).copy()
        values[0] += 0.5
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
        onnx.save(model, str(path))

    monkeypatch.setattr(write_graph, "quantize", broken)


def _wrong_token(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = write_graph.append_pooling
    monkeypatch.setattr(write_graph, "append_pooling", lambda path, _pooling, **rest: whole(path, "mean", **rest))


@pytest.mark.parametrize("damage", [_wrong_mean, _perturbed_weight, _wrong_token])
def test_damage_is_refused_and_leaves_nothing(
    damage: Any, tiny_checkpoints: dict[str, Path], tiny_photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damage(monkeypatch)
    with pytest.raises(ParityTooLow, match="nothing was written") as refused:
        run(tiny_checkpoints["vit"], tmp_path / "out", tiny_photos)
    assert refused.value.value < refused.value.limit
    assert list(tmp_path.iterdir()) == []


def test_a_refused_export_keeps_the_encoder_that_was_there(
    tiny_checkpoints: dict[str, Path], tiny_photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    run(tiny_checkpoints["vit"], out, tiny_photos)
    (out / "README.md").write_text("mine")
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    with monkeypatch.context() as patched:
        _wrong_mean(patched)
        with pytest.raises(ParityTooLow):
            run(tiny_checkpoints["vit"], out, tiny_photos)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before

    run(tiny_checkpoints["vit"], out, tiny_photos, pooling="mean")
    assert (out / "README.md").read_text() == "mine"
    assert Encoder(out).spec.pooling == "mean"


def test_another_directory_is_not_written_to(
    tiny_checkpoints: dict[str, Path], tiny_photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(ConfigurationError, match="no encoder"):
        run(tiny_checkpoints["vit"], tmp_path, tiny_photos)
    with pytest.raises(ConfigurationError, match="is a file"):
        run(tiny_checkpoints["vit"], tmp_path / "thesis.txt", tiny_photos)


def test_too_few_photos(tiny_checkpoints: dict[str, Path], tiny_photos: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="--photos") as few:
        run(tiny_checkpoints["vit"], tmp_path / "out", write_photos(tmp_path / "few", 12))
    assert (few.value.value, few.value.limit) == (12, 50)
    with pytest.raises(ConfigurationError, match="--sample"):
        run(tiny_checkpoints["vit"], tmp_path / "out", tiny_photos, sample=10)


def test_poolings_that_a_family_lacks(tiny_checkpoints: dict[str, Path], tmp_path: Path, tiny_photos: Path) -> None:
    with pytest.raises(ModelUnsupported, match="--pooling pooler or mean"):
        run(tiny_checkpoints["siglip_vision_model"], tmp_path / "out", tiny_photos, pooling="cls")
    # The checkpoint has no pooler: transformers would make one up.
    with pytest.raises(ModelUnsupported, match=r"no weights for 2 tensors.*--pooling cls or mean"):
        run(tiny_checkpoints["vit"], tmp_path / "out", tiny_photos, pooling="pooler")


def test_directories_that_are_no_checkpoint(
    tiny_checkpoints: dict[str, Path], tiny_photos: Path, tmp_path: Path
) -> None:
    import shutil

    with pytest.raises(ModelUnavailable, match=r"not a checkpoint.*save_pretrained"):
        run(tmp_path, tmp_path / "out", tiny_photos)
    with pytest.raises(ModelUnavailable, match="neither a directory nor a Hugging Face model id"):
        run("./nowhere/at/all", tmp_path / "out", tiny_photos)

    broken = tmp_path / "broken"
    shutil.copytree(tiny_checkpoints["vit"], broken)
    (broken / "model.safetensors").write_bytes(b"\0" * 100)
    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        run(broken, tmp_path / "out", tiny_photos)

    (broken / "config.json").write_text('{"model_type": "resnet"}')
    with pytest.raises(ModelUnsupported, match=r"resnet.*vit, deit, dinov2"):
        run(broken, tmp_path / "out", tiny_photos)
    (broken / "config.json").write_text("{")
    with pytest.raises(ModelUnavailable, match="cannot be read"):
        run(broken, tmp_path / "out", tiny_photos)

    shutil.copy(tiny_checkpoints["vit"] / "config.json", broken)
    (broken / "preprocessor_config.json").unlink()
    with pytest.raises(ModelUnsupported, match="no image processor"):
        run(broken, tmp_path / "out", tiny_photos)


def test_a_clip_without_projection_points_to_its_pooler(tiny_photos: Path, tmp_path: Path) -> None:
    write_checkpoint("clip_vision_model", tmp_path / "clip", projected=False)
    with pytest.raises(ModelUnsupported, match=r"no weights for 1 tensors that 'projection'.*--pooling pooler"):
        run(tmp_path / "clip", tmp_path / "out", tiny_photos)
    assert run(tmp_path / "clip", tmp_path / "out", tiny_photos, pooling="pooler").spec.dim == 64


def test_missing_extra_names_the_remedy(
    tiny_photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_checkpoints: dict[str, Path]
) -> None:
    import importlib.util

    whole = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "optimum" else whole(name))
    with pytest.raises(ExportError, match=r"not installed: optimum\..*scripts/setup export"):
        run(tiny_checkpoints["vit"], tmp_path / "out", tiny_photos)
