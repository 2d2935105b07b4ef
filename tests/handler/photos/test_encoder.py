"""Pictures to unit vectors: the same for a photo alone or in a batch, and an encoder that is not one is refused."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image

from handler.errors import BundleCorrupt, ConfigurationError
from handler.photos.encoder import ENCODER_FILE, INPUT_NAME, OUTPUT_NAME, SPEC_FILE, Encoder
from handler.photos.images import preprocess
from tests.tiny_encoder import DIM, SIZE

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@pytest.fixture(scope="module")
def encoder(encoder_directory: Path) -> Encoder:
    return Encoder(encoder_directory, threads=1)


@pytest.fixture
def copy(encoder_directory: Path, tmp_path: Path) -> Path:
    return shutil.copytree(encoder_directory, tmp_path / "encoder")


def noise(count: int) -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(size=(count, 3, SIZE, SIZE)).astype(np.float32)


def write_graph(directory: Path, operator: str, names: tuple[str, str] = (INPUT_NAME, OUTPUT_NAME)) -> None:
    """A graph of one or two nodes, in place of the real one."""
    source, target = names
    nodes = [
        helper.make_node(operator, [source], ["changed"]),
        helper.make_node("GlobalAveragePool", ["changed"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], [target]),
    ]
    graph = helper.make_graph(
        nodes,
        "other",
        [helper.make_tensor_value_info(source, TensorProto.FLOAT, ["batch", 3, SIZE, SIZE])],
        [helper.make_tensor_value_info(target, TensorProto.FLOAT, ["batch", "dim"])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, directory / ENCODER_FILE)


def test_vectors_have_length_one_and_do_not_depend_on_the_batch(encoder: Encoder) -> None:
    pixels = noise(7)
    together = encoder.encode(pixels)
    assert (together.shape, together.dtype) == ((7, DIM), np.float32)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)
    alone = np.concatenate([encoder.encode(one[None]) for one in pixels])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_like_looks_like(encoder: Encoder) -> None:
    colours = [(200, 40, 40), (190, 50, 45), (40, 70, 200)]
    pictures = [preprocess(Image.new("RGB", (50, 70), colour), encoder.spec.preprocessing) for colour in colours]
    red, also_red, blue = encoder.encode(np.stack(pictures))
    assert red @ also_red > red @ blue


@pytest.mark.parametrize("shape", [(3, SIZE, SIZE), (1, 3, SIZE, SIZE + 1), (1, 1, SIZE, SIZE), (1, SIZE, SIZE, 3)])
def test_another_shape_is_a_programming_error(encoder: Encoder, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="this encoder expects"):
        encoder.encode(np.zeros(shape, dtype=np.float32))


def test_no_pictures_no_vectors(encoder: Encoder) -> None:
    assert encoder.encode(noise(0)).shape == (0, DIM)


@pytest.mark.parametrize("content", [b"", b"not onnx", b"\x08\x09" * 40])
def test_a_file_other_than_a_model_is_corrupt(copy: Path, content: bytes) -> None:
    (copy / ENCODER_FILE).write_bytes(content)
    with pytest.raises(BundleCorrupt, match=r"encoder\.onnx"):
        Encoder(copy)


@pytest.mark.parametrize("name", [ENCODER_FILE, SPEC_FILE])
def test_a_missing_file_is_corrupt(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(BundleCorrupt, match=name.replace(".", r"\.")):
        Encoder(copy)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"schema_version": 2}'])
def test_a_description_that_is_none_is_corrupt(copy: Path, text: str) -> None:
    (copy / SPEC_FILE).write_text(text)
    with pytest.raises(BundleCorrupt, match=r"preprocess\.json"):
        Encoder(copy)


def test_a_graph_with_other_tensor_names_is_refused_with_the_right_ones(copy: Path) -> None:
    write_graph(copy, "Identity", ("input", "logits"))
    with pytest.raises(BundleCorrupt, match="vitrine export"):
        Encoder(copy)


@pytest.mark.parametrize(
    ("operator", "dim"), [("Identity", 48), ("Log", 3), ("Relu", 3)], ids=["other dimension", "not a number", "zero"]
)
def test_vectors_that_cannot_be_compared_are_refused(copy: Path, operator: str, dim: int) -> None:
    """Three dimensions where 48 are promised; NaN, which would be nearest to nothing; zero, which has no direction."""
    write_graph(copy, operator)
    spec = json.loads((copy / SPEC_FILE).read_text()) | {"dim": dim}
    (copy / SPEC_FILE).write_text(json.dumps(spec))
    with pytest.raises(BundleCorrupt, match="finite norms above zero"):
        Encoder(copy).encode(-np.abs(noise(2)))


def test_a_runtime_that_is_not_installed_is_named_with_the_remedy(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)  # an import of it fails, as if it were not installed
    spec = json.loads((copy / SPEC_FILE).read_text()) | {"runtime": "openvino"}
    (copy / SPEC_FILE).write_text(json.dumps(spec))
    with pytest.raises(ConfigurationError, match=r"needs OpenVINO.*scripts/setup openvino"):
        Encoder(copy)
