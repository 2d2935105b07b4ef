"""Exported encoders as sides of the encoder's benchmark: for an encoder without a checkpoint, such as a joined one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from export.bench.encoder_sides import Side, Subject, open_side, peer_side
from export.model.fuse_attention import ATTENTION
from handler.errors import ConfigurationError
from handler.model_files import MODEL_FILES
from handler.photos.encoder import ENCODER_FILE, INPUT_NAME, SPEC_FILE, EncoderSpec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_PRODUCTS = ("MatMul", "Gemm")
_COUNTED = (*_PRODUCTS, "Conv", ATTENTION)


def open_directories(
    directories: Sequence[Path], photos: Sequence[Path], work: Path, *, peer: bool
) -> tuple[Subject, list[Side]]:
    """The encoder that `directories` hold in several precisions, and a side for each; all on one thread.

    If `peer`, OpenVINO's side follows, quantized from the first directory's graph on some of `photos`, with its files
    below `work`. Raises ConfigurationError unless the first is in fp32 and the others are of its kind in other
    precisions or for another runtime, BundleCorrupt for a directory that holds no encoder.
    """
    specs = [EncoderSpec.read(directory / SPEC_FILE) for directory in directories]
    _check(directories, specs)
    sides = [
        open_side(_name(spec), directory, _bytes(directory)) for directory, spec in zip(directories, specs, strict=True)
    ]
    graph, how = directories[0] / ENCODER_FILE, specs[0].preprocessing
    if peer:
        sides.append(peer_side(graph, how, photos, work))
    return Subject(specs[0].source, specs[0].pooling, how, graph_multiplications(graph, how.input_size)), sides


def graph_multiplications(graph: Path, size: tuple[int, int]) -> float:
    """Multiply-adds that the float32 ONNX file `graph` does for one picture of `size`, in products, convolutions and
    attention; the shapes are those of a run."""
    import onnx
    import onnxruntime as ort

    model = onnx.load(str(graph))
    counted = [node for node in model.graph.node if node.op_type in _COUNTED]
    shapes = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    shapes[INPUT_NAME] = (1, 3, *size)
    names = sorted({name for node in counted for name in (*node.input, *node.output)} - shapes.keys() - {""})
    del model.graph.output[:]
    model.graph.output.extend(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    values = session.run(names, {INPUT_NAME: np.zeros(shapes[INPUT_NAME], np.float32)})
    shapes |= {name: value.shape for name, value in zip(names, values, strict=True)}
    return float(sum(_multiplications(node, shapes) for node in counted))


def _multiplications(node: Any, shapes: dict[str, tuple[int, ...]]) -> int:
    left, right, made = shapes[node.input[0]], shapes[node.input[1]], shapes[node.output[0]]
    if node.op_type in _PRODUCTS:
        return math.prod(made) * left[-1]
    if node.op_type == "Conv":
        return math.prod(made) * math.prod(right[1:])
    tokens, dim = left[1:]
    return 2 * tokens * right[1] * dim


def _check(directories: Sequence[Path], specs: Sequence[EncoderSpec]) -> None:
    if _name(specs[0]) != "fp32":
        raise ConfigurationError(
            f"{directories[0]} is in {_name(specs[0])}; the first encoder is what the others are compared with.",
            field="encoders",
            value=_name(specs[0]),
            limit="fp32",
            remedy="Pass an encoder exported with --precision fp32 first.",
        )
    first = specs[0]
    for number, (directory, spec) in enumerate(zip(directories, specs, strict=True)):
        if (spec.dim, spec.preprocessing) != (first.dim, first.preprocessing):
            raise ConfigurationError(
                f"{directory} has {spec.dim} dimensions or a preprocessing other than those of {directories[0]}.",
                field="encoders",
                value=str(directory),
                limit=first.dim,
                remedy="Pass exports of one checkpoint, or of the same checkpoints joined.",
            )
        if _name(spec) in map(_name, specs[:number]):
            raise ConfigurationError(
                f"{directory} is the second encoder in {_name(spec)}.",
                field="encoders",
                value=str(directory),
                limit="one of each precision and runtime",
                remedy="Measure them one after the other.",
            )


def _name(spec: EncoderSpec) -> str:
    """As `make_sides` names them."""
    words = [spec.precision, *(["openvino"] if spec.runtime == "openvino" else []), *(["bfloat16"] * spec.bfloat16)]
    return ", ".join(words)


def _bytes(directory: Path) -> int:
    files = (directory / name for name in MODEL_FILES - {SPEC_FILE})
    return sum(file.stat().st_size for file in files if file.exists())
