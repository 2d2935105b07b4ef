"""Joined encoders: one file that answers what its parts answer, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from PIL import Image
from rich.progress import Progress
from typer.testing import CliRunner

from export.bundle.fit_projection import JOINED_DIM, fit_projection
from export.cli.main import app
from export.model.join import join_encoders
from export.model.parity_trial import judge
from handler.errors import ConfigurationError, ModelUnsupported, ParityTooLow
from handler.open_bundle import OpenBundle
from handler.photos.encoder import ENCODER_FILE, SPEC_FILE, Encoder, EncoderSpec, Part
from handler.photos.images import preprocess
from handler.stores.store import DirectoryStore
from tests.conftest import run_index
from tests.export.model.tiny_models import run, write_checkpoint
from tests.handler.support import clustered
from tests.tiny_encoder import DIM, write_tiny_encoder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

pytest.importorskip("torch", reason="needs the extra export")


def pictures(count: int) -> list[Image.Image]:
    """Smooth pictures, which resizing twice changes little."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (count, 6, 6, 3), dtype=np.uint8)
    return [Image.fromarray(one).resize((90, 70), Image.Resampling.BICUBIC) for one in coarse]


def encode(encoder: Encoder, images: list[Image.Image]) -> np.ndarray:
    return encoder.encode(np.stack([preprocess(image, encoder.spec.preprocessing) for image in images]))


@pytest.fixture
def parts(tmp_path: Path) -> list[Path]:
    """Two encoders that differ in weights, size and normalization."""
    return [
        write_tiny_encoder(tmp_path / "small", seed=1, size=32),
        write_tiny_encoder(tmp_path / "large", seed=2, size=48, mean=0.4),
    ]


def test_a_joined_encoder_answers_what_its_parts_answer(parts: list[Path], tmp_path: Path) -> None:
    spec = join_encoders(parts, tmp_path / "joined", [1.0, 0.5])
    joined = Encoder(tmp_path / "joined")
    assert joined.spec == spec
    assert (spec.dim, spec.pooling, spec.preprocessing.input_size) == (2 * DIM, "joined", (48, 48))
    assert [(part.dim, part.weight) for part in spec.parts] == [(DIM, 1.0), (DIM, 0.5)]
    images = pictures(20)
    found = encode(joined, images)
    for own, weight, place in zip(map(Encoder, parts), (1.0, 0.5), (slice(0, DIM), slice(DIM, None)), strict=True):
        np.testing.assert_allclose(np.linalg.norm(found[:, place], axis=1), weight / np.hypot(1, 0.5), atol=1e-5)
        cosines = (found[:, place] * encode(own, images)).sum(axis=1) / (weight / np.hypot(1, 0.5))
        assert cosines.min() > 0.999


def test_a_part_with_the_joined_preprocessing_answers_exactly_the_same(tmp_path: Path) -> None:
    parts = [write_tiny_encoder(tmp_path / str(seed), seed=seed) for seed in (1, 2)]
    join_encoders(parts, tmp_path / "joined", [1, 1])
    images = pictures(3)
    alone = np.hstack([encode(Encoder(part), images) for part in parts]) / np.sqrt(2)
    np.testing.assert_allclose(encode(Encoder(tmp_path / "joined"), images), alone, atol=1e-6)


def test_the_command_joins_two_encoders(parts: list[Path], tmp_path: Path) -> None:
    arguments = ["export", "--join", *map(str, parts), "--join-weight", "0.5", "--out", str(tmp_path / "joined")]
    answer = CliRunner().invoke(app, arguments)
    assert answer.exit_code == 0, answer.output
    assert [part.weight for part in EncoderSpec.read(tmp_path / "joined" / SPEC_FILE).parts] == [1.0, 0.5]


def test_joined_encoders_can_be_joined_again(parts: list[Path], tmp_path: Path) -> None:
    join_encoders(parts, tmp_path / "joined", [3, 4])
    third = write_tiny_encoder(tmp_path / "third", seed=3)
    spec = join_encoders([tmp_path / "joined", third], tmp_path / "all", [2, 1])
    assert [part.weight for part in spec.parts] == pytest.approx([1.2, 1.6, 1])
    assert encode(Encoder(tmp_path / "all"), pictures(2)).shape == (2, 3 * DIM)


def test_what_cannot_be_joined_is_refused(parts: list[Path], tmp_path: Path) -> None:
    for directories, weights in ((parts[:1], [1.0]), (parts, [1.0]), (parts, [1.0, 0.0])):
        with pytest.raises(ConfigurationError, match="Cannot join"):
            join_encoders(directories, tmp_path / "joined", weights)
    model = onnx.load(str(parts[0] / ENCODER_FILE))
    model.opset_import[0].version = 17
    onnx.save(model, str(parts[0] / ENCODER_FILE))
    with pytest.raises(ModelUnsupported, match="version 17"):
        join_encoders(parts, tmp_path / "joined", [1.0, 1.0])
    assert not (tmp_path / "joined").exists()


def test_dimensions_of_the_parts_must_add_up(parts: list[Path]) -> None:
    spec = EncoderSpec.read(parts[0] / SPEC_FILE)
    part = Part(source="tiny", dim=DIM - 1, weight=1, whitening=0)
    with pytest.raises(ValueError, match="47 dimensions, not 48"):
        EncoderSpec.model_validate(spec.model_dump() | {"parts": [part]})


@pytest.mark.parametrize("whitening", [0, 0.25])
def test_the_projection_scales_each_part_to_its_weight_and_drops_dimensions(whitening: float) -> None:
    first, second = clustered(500, 40, 10), clustered(500, 300, 10)
    vectors = np.hstack([first, 5 * second])
    parts = [
        Part(source="a", dim=40, weight=2, whitening=whitening),
        Part(source="b", dim=300, weight=1, whitening=whitening),
    ]
    projection = fit_projection(vectors, parts=parts)
    assert projection is not None
    assert projection.matrix.shape == (JOINED_DIM, 340)
    # Rows of the matrix are orthogonal directions of the weighted parts, so inner products are those of the parts.
    mapped = (vectors - projection.center) @ projection.matrix.T
    np.testing.assert_allclose((mapped**2).sum(axis=1).mean(), 2**2 + 1, rtol=0.02)
    only_first = (np.hstack([first, np.zeros_like(second)]) - projection.center) @ projection.matrix.T
    shift = np.hstack([first.mean(axis=0), np.zeros(300)]) - projection.center
    np.testing.assert_allclose(((only_first - shift @ projection.matrix.T) ** 2).sum(axis=1).mean(), 2**2, rtol=0.02)


def test_a_catalog_is_indexed_with_a_joined_encoder(parts: list[Path], photos: Path, tmp_path: Path) -> None:
    join_encoders(parts, tmp_path / "joined", [1, 1])
    run_index(photos, tmp_path / "bundles", tmp_path / "joined")
    store = DirectoryStore(tmp_path / "bundles")
    bundle = OpenBundle(store, store.current().version)
    labels = bundle.index.everything.labels.tolist()
    product = bundle.catalog.by_labels(labels)[labels[0]]
    (nearest,) = bundle.index.nearest(bundle.embed_photo((photos / product.image).read_bytes()), 1)
    assert (nearest.label, nearest.score) == (labels[0], pytest.approx(1, abs=1e-3))


def test_a_join_is_judged_by_the_pytorch_models_of_its_parts(
    tiny_photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, seed in (("first", 1), ("second", 2)):
        checkpoint = write_checkpoint("vit", tmp_path / f"{name}-model", seed=seed, spread=0.2)
        run(checkpoint, tmp_path / name, tiny_photos, precision="int8", layers=1)
    arguments = ["export", "--join", str(tmp_path / "first"), str(tmp_path / "second"), "--join-weight", "0.5"]
    arguments += ["--photos", str(tiny_photos), "--join-models"]
    models = [str(tmp_path / "first-model"), str(tmp_path / "second-model")]
    swapped = CliRunner().invoke(app, [*arguments, *reversed(models), "--out", str(tmp_path / "swapped")])
    assert isinstance(swapped.exception, ParityTooLow)
    assert "joined file" in str(swapped.exception)
    assert not (tmp_path / "swapped").exists()
    judged = CliRunner().invoke(app, [*arguments, *models, "--out", str(tmp_path / "joined")])
    assert judged.exit_code == 0, judged.output
    told = judged.output + capsys.readouterr().err
    assert "neighbors kept" in told
    assert "64 photos" in told
    assert Encoder(tmp_path / "joined").spec.precision == "int8"


def test_both_sides_of_a_trial_work_on_one_thread(tiny_photos: Path, tmp_path: Path) -> None:
    import torch

    encoder = Encoder(write_tiny_encoder(tmp_path / "tiny"), threads=1)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    used = []

    def embed(images: Sequence[Image.Image]) -> NDArray[np.float32]:
        used.append(torch.get_num_threads())
        return encode(encoder, list(images))

    try:
        with Progress(disable=True) as progress:
            parity = judge(embed, tmp_path / "tiny", sorted(tiny_photos.iterdir()), progress)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert parity.neighbors_kept == 1
    assert set(used) == {1}
