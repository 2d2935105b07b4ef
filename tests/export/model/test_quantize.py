"""Each precision: what is in the file, that it runs, that the gate judged it; smoothing changes no function."""

from __future__ import annotations

import collections
import shutil
from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from export.model.check_parity import FLOORS
from export.model.checkpoint import load_checkpoint
from export.model.fuse_attention import fuse_attention
from export.model.pool_graph import append_pooling, fold_constants
from export.model.quantize import quantize
from export.model.smooth import smooth
from export.model.smooth_values import smooth_values
from export.model.trace import trace
from handler.errors import ParityTooLow
from handler.photos.encoder import ENCODER_FILE, INPUT_NAME, Encoder
from tests.export.model.tiny_models import SIDE, run, write_checkpoint

if TYPE_CHECKING:
    from pathlib import Path

    from export.model.quantize import Precision


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint("vit", tmp_path_factory.mktemp("checkpoint") / "vit", spread=0.2)


@pytest.fixture(scope="module")
def float_file(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trace_to(tmp_path_factory.mktemp("float") / "encoder.onnx", checkpoint)


@pytest.fixture(scope="module")
def fresh_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint("vit", tmp_path_factory.mktemp("fresh") / "vit", spread=0.2, fresh=True)


@pytest.fixture(scope="module")
def fresh_file(fresh_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All LayerNorms read one scale and one bias, and the patches' convolution reads that bias, too."""
    return trace_to(tmp_path_factory.mktemp("fresh") / "encoder.onnx", fresh_checkpoint)


def trace_to(path: Path, checkpoint: Path) -> Path:
    loaded = load_checkpoint(str(checkpoint))
    trace(loaded, path)
    append_pooling(path, loaded.pooling, prefix_tokens=loaded.prefix_tokens, dim=loaded.dim)
    fold_constants(path)
    return path


def answer(path: Path, pixels: np.ndarray) -> np.ndarray:
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {INPUT_NAME: pixels})[0])


def pictures(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, 3, SIDE, SIDE), dtype=np.float32)


def operators(path: Path) -> collections.Counter[str]:
    return collections.Counter(node.op_type for node in onnx.load(str(path)).graph.node)


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(((a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)).min())


# Two blocks of six MatMuls with weights each; the two of attention multiply activations and stay as they are.
@pytest.mark.parametrize(
    ("precision", "operator", "count", "smaller", "worst"),
    [
        ("fp32", "MatMul", 16, 1.01, 1 - 1e-6),
        ("fp16", "MatMul", 16, 0.65, 0.9999),
        ("w8", "MatMulNBits", 12, 0.6, 0.999),
        ("int8", "MatMulInteger", 12, 0.6, 0.97),
    ],
)
def test_precision_is_in_the_file(
    precision: Precision,
    operator: str,
    count: int,
    smaller: float,
    worst: float,
    float_file: Path,
    tmp_path: Path,
) -> None:
    path = tmp_path / "encoder.onnx"
    shutil.copy(float_file, path)
    quantize(path, precision)
    assert operators(path)[operator] == count
    assert path.stat().st_size < smaller * float_file.stat().st_size
    assert [path.name for path in tmp_path.iterdir()] == ["encoder.onnx"]
    found, truth = answer(path, pictures(6)), answer(float_file, pictures(6))
    assert cosine(found, truth) > worst
    assert (precision == "fp32") == np.array_equal(found, truth)


def test_int8_weights_stay_within_seven_bits(float_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "encoder.onnx"
    shutil.copy(float_file, path)
    quantize(path, "int8")
    weights = [
        onnx.numpy_helper.to_array(tensor)
        for tensor in onnx.load(str(path)).graph.initializer
        if tensor.data_type == onnx.TensorProto.INT8 and tensor.name.endswith("_quantized")
    ]
    assert len(weights) == 12
    assert max(int(np.abs(weight.astype(np.int16)).max()) for weight in weights) == 64


def test_values_beyond_half_precision_stay_in_float32(float_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "encoder.onnx"
    model = onnx.load(str(float_file))
    conv = next(node.input[1] for node in model.graph.node if node.op_type == "Conv")
    tensor = next(tensor for tensor in model.graph.initializer if tensor.name == conv)
    values = onnx.numpy_helper.to_array(tensor).copy()
    values.flat[0] = 1e6
    tensor.CopyFrom(onnx.numpy_helper.from_array(values, conv))
    onnx.save(model, str(path))
    quantize(path, "fp16")
    assert np.isfinite(answer(path, pictures(1))).all()
    kept = {tensor.name: tensor.data_type for tensor in onnx.load(str(path)).graph.initializer}
    assert kept[conv] == onnx.TensorProto.FLOAT


def test_smoothing_changes_the_weights_and_not_the_function(float_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "encoder.onnx"
    shutil.copy(float_file, path)
    # Before query, key and value, and before the MLP, in each of two blocks; the last norm is read by no MatMul.
    assert smooth(path, [pictures(4, seed=1)]) == 4
    assert path.read_bytes() != float_file.read_bytes()
    np.testing.assert_allclose(answer(path, pictures(6)), answer(float_file, pictures(6)), rtol=1e-3, atol=1e-3)


def test_values_are_smoothed_where_attention_is_one_node(fresh_file: Path, tmp_path: Path) -> None:
    """The blocks share their biases, so each gets its own."""
    path = tmp_path / "encoder.onnx"
    shutil.copy(fresh_file, path)
    assert smooth_values(path, [pictures(4, seed=1)]) == 0
    assert path.read_bytes() == fresh_file.read_bytes()
    assert fuse_attention(path, heads=4) == 2
    before = {tensor.name: tensor for tensor in onnx.load(str(path)).graph.initializer}
    assert smooth_values(path, [pictures(4, seed=1)]) == 2
    onnx.checker.check_model(str(path))
    after = {tensor.name: tensor for tensor in onnx.load(str(path)).graph.initializer}
    # Two weights and a bias in each of two blocks.
    assert sum(after[name] != before.get(name) for name in after) == 6
    np.testing.assert_allclose(answer(path, pictures(6)), answer(fresh_file, pictures(6)), rtol=1e-3, atol=1e-3)


def norms(path: Path) -> list[onnx.NodeProto]:
    return [node for node in onnx.load(str(path)).graph.node if node.op_type == "LayerNormalization"]


def test_norms_that_share_their_tensors_are_smoothed_each_with_its_own(fresh_file: Path, tmp_path: Path) -> None:
    assert len({(norm.input[1], norm.input[2]) for norm in norms(fresh_file)}) == 1  # the premise
    path = tmp_path / "encoder.onnx"
    shutil.copy(fresh_file, path)
    assert smooth(path, [pictures(4, seed=1)]) == 4
    onnx.checker.check_model(str(path), full_check=True)
    assert len({name for norm in norms(path) for name in norm.input[1:]}) == 10
    np.testing.assert_allclose(answer(path, pictures(6)), answer(fresh_file, pictures(6)), rtol=1e-3, atol=1e-3)


def test_a_file_without_a_norm_to_smooth_stays_as_it_is(float_file: Path, tmp_path: Path) -> None:
    model = onnx.load(str(float_file))
    for norm in (node for node in model.graph.node if node.op_type == "LayerNormalization"):
        model.graph.output.append(onnx.helper.make_tensor_value_info(norm.output[0], onnx.TensorProto.FLOAT, None))
    path = tmp_path / "encoder.onnx"
    onnx.save(model, str(path))
    before = path.read_bytes()
    assert smooth(path, [pictures(4)]) == 0
    assert path.read_bytes() == before


@pytest.mark.parametrize(("precision", "worst"), [("fp32", 1 - 1e-6), ("fp16", 0.9999), ("w8", 0.999), ("int8", 0.97)])
def test_weights_that_two_matmuls_share_survive_every_precision(
    precision: Precision, worst: float, float_file: Path, tmp_path: Path
) -> None:
    """As in a checkpoint whose layers share weights, or whose key and query weights are equal."""
    model = onnx.load(str(float_file))
    tensors = {tensor.name: list(tensor.dims) for tensor in model.graph.initializer}
    square = [node for node in model.graph.node if node.op_type == "MatMul" and tensors.get(node.input[1]) == [64, 64]]
    square[1].input[1] = square[0].input[1]
    tied = tmp_path / "tied.onnx"
    onnx.save(model, str(tied))
    path = tmp_path / "encoder.onnx"
    shutil.copy(tied, path)
    # Of the four norms, the one before the tied weights is left alone.
    assert smooth(path, [pictures(4, seed=1)]) == 3
    quantize(path, precision)
    assert cosine(answer(path, pictures(6)), answer(tied, pictures(6))) > worst


def test_a_freshly_initialized_model_is_exported_in_int8(
    fresh_checkpoint: Path, tiny_photos: Path, tmp_path: Path
) -> None:
    report = run(fresh_checkpoint, tmp_path / "out", tiny_photos, precision="int8")
    assert report.parity.neighbors_kept >= FLOORS["int8"].neighbors
    assert operators(tmp_path / "out" / ENCODER_FILE)["MatMulInteger"] == 12


@pytest.mark.parametrize("precision", ["fp16", "w8"])
def test_precision_keeps_its_floors(precision: Precision, checkpoint: Path, tiny_photos: Path, tmp_path: Path) -> None:
    report = run(checkpoint, tmp_path / "out", tiny_photos, precision=precision)
    assert report.parity.neighbors_kept >= FLOORS[precision].neighbors
    assert report.spec.precision == precision
    assert Encoder(tmp_path / "out").spec == report.spec


def test_int8_keeps_its_floors(checkpoint: Path, tiny_photos: Path, tmp_path: Path) -> None:
    report = run(checkpoint, tmp_path / "out", tiny_photos, precision="int8")
    assert report.parity.neighbors_kept >= FLOORS["int8"].neighbors
    assert operators(tmp_path / "out" / ENCODER_FILE)["MatMulInteger"] == 12


def test_int8_that_loses_its_neighbors_is_refused(tiny_photos: Path, tmp_path: Path) -> None:
    # Weights so wide that attention is all or nothing: one step of int8 decides which token it looks at.
    wild = write_checkpoint("vit", tmp_path / "wild", spread=2.0)
    with pytest.raises(ParityTooLow, match="int8 file"):
        run(wild, tmp_path / "out", tiny_photos, precision="int8")
    assert {path.name for path in tmp_path.iterdir()} == {"wild"}


def test_an_int8_vector_does_not_depend_on_its_batch(float_file: Path, checkpoint: Path, tmp_path: Path) -> None:
    from handler.photos.encoder import SPEC_FILE, EncoderSpec

    shutil.copy(float_file, tmp_path / ENCODER_FILE)
    quantize(tmp_path / ENCODER_FILE, "int8")
    loaded = load_checkpoint(str(checkpoint))
    spec = EncoderSpec(
        source="tiny",
        architecture="vit",
        pooling="cls",
        precision="int8",
        dim=64,
        preprocessing=loaded.preprocessing,
    )
    (tmp_path / SPEC_FILE).write_text(spec.model_dump_json())
    encoder = Encoder(tmp_path, threads=1)
    loud = pictures(4) * np.array([1, 30, 0.1, 5], dtype=np.float32)[:, None, None, None]
    alone = np.concatenate([encoder.encode(loud[i : i + 1]) for i in range(4)])
    np.testing.assert_array_equal(encoder.encode(loud), alone)
