"""Fine-tuning from the checkpoint to the exported encoder, on a tiny model and drawn photos."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from rich.progress import Progress
from safetensors import safe_open

from export.finetune import train as training
from export.finetune.export_tuned import export_tuned
from export.finetune.tune_checkpoint import FineTuning
from export.model.export_model import ExportRequest
from handler.errors import CatalogError, ConfigurationError, FineTuningUseless
from handler.photos.encoder import Encoder
from tests.export.model.tiny_models import write_checkpoint, write_photos

if TYPE_CHECKING:
    from pathlib import Path

    from export.finetune.measure_gain import Gain
    from export.model.export_model import ExportReport

PHOTOS = 160


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint("vit", tmp_path_factory.mktemp("model") / "vit", blocks=3, spread=0.1)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photos(tmp_path_factory.mktemp("photos") / "shop", PHOTOS)


@pytest.fixture(autouse=True)
def _short_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "LEARNING_RATE", 1e-3)
    monkeypatch.setattr(training, "SAVE_EVERY", 3)


class _Killed(Progress):
    """Ends the run at its `last` step of training, as a signal would."""

    def __init__(self, last: int) -> None:
        super().__init__(disable=True)
        self._left = last

    def update(self, *arguments: Any, **options: Any) -> None:
        if str(options.get("description", "")).startswith("Fine-tuning, loss"):
            self._left -= 1
            if not self._left:
                raise KeyboardInterrupt
        super().update(*arguments, **options)


def _tune(
    model: Path, photos: Path, out: Path, progress: Progress | None = None, **options: Any
) -> tuple[ExportReport, Gain]:
    request = ExportRequest(model=str(model), out=out, photos=None)
    wanted = FineTuning(photos, out.with_name("work"), **({"epochs": 3} | options))
    return export_tuned(request, wanted, progress or Progress(disable=True))


def test_a_killed_run_resumes_to_the_same_encoder_and_cleans_up(model: Path, photos: Path, tmp_path: Path) -> None:
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
    report, gain = _tune(model, photos, tmp_path / "whole" / "out")
    assert gain.after.same_photo > gain.before.same_photo
    assert gain.before.same_kind is None
    assert report.spec.source == "vit, fine-tuned"

    with pytest.raises(KeyboardInterrupt):
        _tune(model, photos, tmp_path / "killed" / "out", _Killed(last=8))
    with safe_open(tmp_path / "killed" / "work" / training.STATE_FILE, framework="pt") as state:
        assert state.metadata() == {"step": "6"}
    assert not (tmp_path / "killed" / "out").exists()
    resumed = _tune(model, photos, tmp_path / "killed" / "out")[1]
    assert resumed == gain
    pixels = np.random.default_rng(0).normal(size=(4, 3, 32, 32)).astype(np.float32)
    whole, killed = (Encoder(tmp_path / name / "out").encode(pixels) for name in ("whole", "killed"))
    np.testing.assert_allclose(killed, whole, atol=1e-6)
    assert [path.name for path in (tmp_path / "killed").iterdir()] == ["out"]


def test_nothing_is_kept_of_a_training_without_a_gain(
    model: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "LEARNING_RATE", 0.0)
    with pytest.raises(FineTuningUseless, match="the same photo found again") as refused:
        _tune(model, photos, tmp_path / "out", epochs=1)
    assert refused.value.remedy
    assert list(tmp_path.iterdir()) == []


def test_a_field_says_which_photos_are_alike(model: Path, photos: Path, tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    for place, photo in enumerate(sorted(photos.iterdir())):
        image = Image.open(photo).convert("RGB")
        kind = place % 5
        image.paste((40 * kind, 200 - 40 * kind, 120), (0, 0, image.width // 2, image.height))
        (shop / f"kind {kind}").mkdir(parents=True, exist_ok=True)
        image.save(shop / f"kind {kind}" / photo.name)
    (shop / "kind 0" / "broken.png").write_bytes(b"not a photo")
    gain = _tune(model, shop, tmp_path / "out", by="category", epochs=2)[1]
    assert gain.after.same_kind is not None
    assert gain.before.same_kind is not None
    assert gain.after.same_kind > gain.before.same_kind
    assert (tmp_path / "out" / "encoder.onnx").exists()


def test_the_directory_of_another_run_is_refused(model: Path, photos: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        _tune(model, photos, tmp_path / "out", _Killed(last=1), epochs=1)
    with pytest.raises(ConfigurationError, match="another checkpoint, other photos or other options") as refused:
        _tune(model, photos, tmp_path / "out", epochs=2)
    assert "delete the directory" in str(refused.value)


def test_photos_that_cannot_be_read_do_not_count(model: Path, tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    shop.mkdir()
    for place in range(PHOTOS):
        (shop / f"{place}.png").write_bytes(b"not a photo")
    with pytest.raises(CatalogError, match=f"Only 0 of the {PHOTOS} photos can be read"):
        _tune(model, shop, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["shop"]
