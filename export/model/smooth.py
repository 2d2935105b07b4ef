"""SmoothQuant: move the outliers of activations into weights, where a scale for every channel absorbs them.

int8 gives all channels of an activation one range. After a LayerNorm a few channels are far larger than the others, so
most of the 256 steps go unused. Dividing channel j by s[j] in the norm and multiplying row j of the following weights
by s[j] leaves the product as it was and the ranges alike. (Xiao et al., SmoothQuant, ICML 2023, equation 4.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from handler.photos.encoder import INPUT_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

ALPHA = 0.5
"""How much of the difficulty goes to the weights; the paper's default."""

_TINY = 1e-5


def smooth(path: Path, pictures: Iterable[NDArray[np.float32]]) -> int:
    """Rewrite the float32 ONNX file at `path` in place, by the ranges its activations have on `pictures`.

    `pictures` are batches (n, 3, height, width), preprocessed; a few dozen pictures will do. Returns the number of
    norms that were smoothed: those whose every reader is a MatMul with constant weights of its own. The file stays as
    it is if there are none. Norms that share a scale or bias, as the exporter makes equal ones do, get copies.
    """
    import onnx
    from onnx import numpy_helper

    model = onnx.load(str(path))
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    readers = _norms_before_matmuls(model.graph, tensors)
    if not readers:
        return 0
    for norm, _ in readers:
        for place in (1, 2):
            unshare(norm, place, model.graph, tensors)
    ranges = channel_ranges(model, [norm.output[0] for norm, _ in readers], pictures)
    for norm, matmuls in readers:
        weights = [numpy_helper.to_array(tensors[matmul.input[1]]) for matmul in matmuls]
        factors = smoothing_factors(ranges[norm.output[0]], weights)
        for name in norm.input[1:3]:
            replace_values(tensors[name], numpy_helper.to_array(tensors[name]) / factors)
        for matmul, weight in zip(matmuls, weights, strict=True):
            replace_values(tensors[matmul.input[1]], weight * factors[:, None])
    onnx.save(model, str(path))
    return len(readers)


def _norms_before_matmuls(graph: Any, tensors: dict[str, Any]) -> list[tuple[Any, list[Any]]]:
    """LayerNorms with the MatMuls that read them, where nothing else reads them and every weight has one MatMul.

    A weight that several MatMuls share stays shared: copies would grow the file by more than smoothing is worth.
    """
    uses: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            uses.setdefault(name, []).append(node)
    outputs = {value.name for value in graph.output}

    def own(name: str) -> bool:
        return name in tensors and len(uses[name]) == 1

    found = []
    for norm in graph.node:
        if norm.op_type != "LayerNormalization" or len(norm.input) != 3 or norm.output[0] in outputs:
            continue
        # A Shape reads the batch size off the norm and does not care about values.
        matmuls = [node for node in uses.get(norm.output[0], []) if node.op_type != "Shape"]
        constant = all(
            node.op_type == "MatMul" and node.input[0] == norm.output[0] and own(node.input[1]) for node in matmuls
        )
        if matmuls and constant and all(name in tensors for name in norm.input[1:]):
            found.append((norm, matmuls))
    return found


def unshare(node: Any, place: int, graph: Any, tensors: dict[str, Any]) -> None:
    """Give `node` a constant of its own at input `place`, a copy if others read it; updates `tensors`, too."""
    shared = node.input[place]
    if sum(name == shared for other in graph.node for name in other.input) == 1:
        return
    copy = graph.initializer.add()
    copy.CopyFrom(tensors[shared])
    copy.name = node.input[place] = f"{node.output[0]}.own{place}"
    tensors[copy.name] = copy


def smoothing_factors(largest: NDArray[np.float32], weights: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """What to divide each channel of an activation by, and multiply the rows of `weights` (channels, n) by.

    `largest` are the channels' magnitudes (channels,).
    """
    rows = np.max([np.abs(weight).max(axis=1) for weight in weights], axis=0)
    factors: NDArray[np.float32] = np.maximum(largest, _TINY) ** ALPHA / np.maximum(rows, _TINY) ** (1 - ALPHA)
    return factors


def channel_ranges(
    model: Any, names: Sequence[str], pictures: Iterable[NDArray[np.float32]]
) -> dict[str, NDArray[np.float32]]:
    """For every tensor (n, tokens, channels) in `names`, the largest magnitude of each channel on `pictures`."""
    import onnx
    import onnxruntime as ort

    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    probe.graph.output.extend(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names)
    session = ort.InferenceSession(probe.SerializeToString(), providers=["CPUExecutionProvider"])
    largest: dict[str, NDArray[np.float32]] = {}
    for batch in pictures:
        for name, value in zip(names, session.run(names, {INPUT_NAME: batch}), strict=True):
            channels = np.abs(value).max(axis=(0, 1))
            largest[name] = np.maximum(largest.get(name, channels), channels)
    return largest


def replace_values(tensor: Any, values: NDArray[np.floating[Any]]) -> None:
    from onnx import numpy_helper

    tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float32), tensor.name))
