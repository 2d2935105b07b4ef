"""The sides of the encoder's benchmark: what opens, what runs, how large it is; and the machine's own speed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from export.bench.openvino_peer import open_in_openvino
from export.model import reference
from export.model.external_weights import LARGE
from export.model.openvino_int8 import quantize_by_default
from export.model.parity_trial import calibration_batches
from export.model.quantize import Precision
from export.model.write_graph import refine_for_openvino, refine_graph, trace_graph
from handler.photos.encoder import ENCODER_FILE, SPEC_FILE, WEIGHTS_FILE, Encoder, EncoderSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from export.model.checkpoint import Checkpoint
    from handler.photos.images import Preprocessing

PEER = "OpenVINO NNCF int8"
OURS_IN_OPENVINO = "int8, openvino"
OURS_IN_BFLOAT16 = "int8, openvino, bfloat16"
ONE_FILE = "fp32, one file"
_GEMM = 1_024
"""Rows, columns and depth of the products that the machine's peak is measured on."""

_OPENING = """
import json, sys, time
import numpy as np
from pathlib import Path
from handler.photos.encoder import Encoder
started = time.process_time()
__import__(sys.argv[3])
imported = time.process_time()
encoder = Encoder(Path(sys.argv[1]), threads=1, prepack=sys.argv[2] == "prepack")
opened = time.process_time()
encoder.encode(np.zeros((1, 3, *encoder.spec.preprocessing.input_size), np.float32))
print(json.dumps([1000 * (imported - started), 1000 * (opened - imported), 1000 * (time.process_time() - opened)]))
"""


@dataclass(frozen=True)
class Subject:
    """The encoder that all sides compute."""

    source: str
    pooling: str
    preprocessing: Preprocessing
    multiplications: float
    """Multiply-adds for one picture, in products, convolutions and attention."""


@dataclass(frozen=True)
class Side:
    """One way to encode: `run` maps float32 (n, 3, height, width) to (n, dim)."""

    name: str
    run: Callable[[NDArray[np.float32]], NDArray[Any]]
    megabytes: float = 0
    import_ms: float = 0
    """CPU time, in a fresh process, of importing the runtime, then of opening a session, then of the first picture."""
    open_ms: float = 0
    first_ms: float = 0


def make_sides(checkpoint: Checkpoint, photos: Sequence[Path], work: Path, *, peer: bool) -> list[Side]:
    """PyTorch, every precision of `vitrine export` below `work`, and OpenVINO's if `peer`; all on one thread.

    Where fp32's weights are large enough for a file of their own, the same in one file follows it.
    """
    import torch

    torch.set_num_threads(1)
    how = checkpoint.preprocessing
    traced = work / "traced.onnx"
    trace_graph(checkpoint, traced)
    sides = [Side("PyTorch fp32", lambda pixels: reference.embed_pixels(checkpoint, pixels))]
    for precision in get_args(Precision):
        directory = work / precision
        directory.mkdir()
        (directory / ENCODER_FILE).write_bytes(traced.read_bytes())
        size = refine_graph(directory / ENCODER_FILE, precision, checkpoint.heads, calibration_batches(photos, how))
        (directory / SPEC_FILE).write_text(_spec(checkpoint, precision).model_dump_json())
        sides.append(open_side(precision, directory, size))
        if precision == "fp32" and size >= LARGE:
            sides.append(_in_one_file(directory, work / "one-file"))
    if peer:
        directory = work / "openvino"
        directory.mkdir()
        (directory / ENCODER_FILE).write_bytes(traced.read_bytes())
        size = refine_for_openvino(directory / ENCODER_FILE, checkpoint.heads, calibration_batches(photos, how))
        spec = _spec(checkpoint, "int8").model_copy(update={"runtime": "openvino"})
        (directory / SPEC_FILE).write_text(spec.model_dump_json())
        sides.append(open_side(OURS_IN_OPENVINO, directory, size))
        faster = shutil.copytree(directory, work / "openvino-bfloat16")
        (faster / SPEC_FILE).write_text(spec.model_copy(update={"bfloat16": True}).model_dump_json())
        sides.append(open_side(OURS_IN_BFLOAT16, faster, size))
        sides.append(peer_side(traced, how, photos, work))
    return sides


def peer_side(graph: Path, how: Preprocessing, photos: Sequence[Path], work: Path) -> Side:
    """The float32 ONNX file `graph` in OpenVINO, in 8 bits by NNCF's defaults; writes its files below `work`."""
    target = work / "peer.xml"
    size = quantize_by_default(graph, target, list(calibration_batches(photos, how)))
    return Side(PEER, open_in_openvino(target, how.input_size), size / 1e6)


def multiplications(checkpoint: Checkpoint) -> float:
    """Multiply-adds that PyTorch does for one picture, in matrix products."""
    config = checkpoint.model.config
    height, width = checkpoint.preprocessing.input_size
    patches = (height // config.patch_size) * (width // config.patch_size)
    tokens, dim = patches + checkpoint.prefix_tokens, config.hidden_size
    inner = getattr(config, "intermediate_size", None) or dim * config.mlp_ratio
    blocks = len(checkpoint.model.get_submodule(checkpoint.family.blocks))
    block = tokens * (4 * dim * dim + 2 * dim * inner) + 2 * tokens * tokens * dim
    return float(blocks * block + patches * 3 * config.patch_size**2 * dim)


def gemm_sides() -> dict[str, Side]:
    """The runtime's own products of large matrices, float32 and 8 bits, one thread: run with any pixels."""
    import onnxruntime as ort
    from onnx import TensorProto, helper, numpy_helper

    random = np.random.default_rng(0)
    sides = {}
    for name, kind, operator, result, dtype in (
        ("fp32", TensorProto.FLOAT, "MatMul", TensorProto.FLOAT, np.float32),
        ("int8", TensorProto.UINT8, "MatMulInteger", TensorProto.INT32, np.uint8),
    ):
        weights = random.integers(-64, 64, (_GEMM, _GEMM)).astype(np.float32 if name == "fp32" else np.int8)
        graph = helper.make_graph(
            [helper.make_node(operator, ["a", "b"], ["c"])],
            "product",
            [helper.make_tensor_value_info("a", kind, [_GEMM, _GEMM])],
            [helper.make_tensor_value_info("c", result, [_GEMM, _GEMM])],
            [numpy_helper.from_array(weights, "b")],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        left = random.integers(0, 255, (_GEMM, _GEMM)).astype(dtype)
        sides[name] = Side(name, _product(session, left))
    return sides


def _product(session: Any, left: NDArray[Any]) -> Callable[[NDArray[np.float32]], NDArray[Any]]:
    return lambda _pixels: np.asarray(session.run(None, {"a": left})[0])


def gemm_multiplications() -> float:
    """Multiply-adds of one run of a GEMM side."""
    return float(_GEMM**3)


def open_side(name: str, directory: Path, size: int) -> Side:
    """The encoder in `directory`, of `size` bytes, and the times that it takes to start in a fresh process."""
    encoder = Encoder(directory, threads=1)
    mapped = (directory / WEIGHTS_FILE).exists()
    command = [sys.executable, "-c", _OPENING, str(directory), "map" if mapped else "prepack", encoder.spec.runtime]
    starts = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return Side(name, encoder.encode, size / 1e6, *starts)


def _in_one_file(directory: Path, copy: Path) -> Side:
    import onnx

    copy.mkdir()
    onnx.save(onnx.load(str(directory / ENCODER_FILE)), str(copy / ENCODER_FILE))
    (copy / SPEC_FILE).write_bytes((directory / SPEC_FILE).read_bytes())
    return open_side(ONE_FILE, copy, (copy / ENCODER_FILE).stat().st_size)


def _spec(checkpoint: Checkpoint, precision: Precision) -> EncoderSpec:
    return EncoderSpec(
        source=checkpoint.source,
        architecture=checkpoint.family.model_type,
        pooling=checkpoint.pooling,
        precision=precision,
        dim=checkpoint.dim,
        preprocessing=checkpoint.preprocessing,
    )
