"""Smaller weights: the four precisions of an encoder file, and what each does to speed and neighbors.

fp32   as trained
fp16   weights stored in 16 bits, computed in 32: half the file, the same speed
w8     MatMul weights in 8 bits, one scale for every 32 of them, computed in 32 bits: a quarter of the file
int8   MatMul in 8-bit integers, activations quantized as they come: a quarter of the file, about 3x the speed
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from export.model.quiet import quiet

if TYPE_CHECKING:
    from pathlib import Path

Precision = Literal["fp32", "fp16", "w8", "int8"]

BLOCK = 32
"""Weights that share a scale in w8; 128 saves 2 % of the file and loses 2 % of the neighbors."""

_HALF_FROM = 1024
"""Elements; smaller tensors (biases, norms, scalars) stay in 32 bits, they weigh nothing and cost a node each."""

_HALF_MAX = float(np.finfo(np.float16).max)


def quantize(path: Path, precision: Precision) -> None:
    """Rewrite the float32 ONNX file at `path` in `precision`, in place. Says nothing about quality: the gate does."""
    if precision == "w8":
        _block_weights(path)
    elif precision == "int8":
        _dynamic_int8(path)
    if precision != "fp32":
        _store_half(path)


def _block_weights(path: Path) -> None:
    import onnx
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

    with quiet():
        quantizer = MatMulNBitsQuantizer(onnx.load(str(path)), bits=8, block_size=BLOCK, is_symmetric=True)
        quantizer.process()
        quantizer.model.save_model_to_file(str(path))


def _dynamic_int8(path: Path) -> None:
    """Per-channel signed weights of 7 bits: `reduce_range` keeps sums of products within 16 bits, where CPUs without
    VNNI (AVX2, so many a Lambda) add them up and would saturate silently, giving other vectors than this machine."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    target = path.with_suffix(".int8")
    with quiet():
        quantize_dynamic(
            str(path),
            str(target),
            op_types_to_quantize=["MatMul"],
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
            # Products of two activations (attention) stay in float: they are where int8 hurts.
            extra_options={"MatMulConstBOnly": True, "DefaultTensorType": onnx.TensorProto.FLOAT},
        )
    target.replace(path)


def _store_half(path: Path) -> None:
    """Store what is still float32 in 16 bits, with a Cast back that the runtime folds away when it opens the file."""
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load(str(path))
    graph = model.graph
    casts = []
    for tensor in graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT or int(np.prod(tensor.dims)) < _HALF_FROM:
            continue
        values = numpy_helper.to_array(tensor)
        # Scales stay as they are: an error in one is an error in all the weights that it scales.
        if tensor.name.endswith(("_scale", "_scales")) or np.abs(values).max() > _HALF_MAX:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}_fp16"))
        casts.append(helper.make_node("Cast", [f"{name}_fp16"], [name], to=onnx.TensorProto.FLOAT))
    # Before every reader: a graph's nodes are in topological order.
    rest = list(graph.node)
    del graph.node[:]
    graph.node.extend(casts + rest)
    onnx.save(model, str(path))
