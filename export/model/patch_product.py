"""The patch embedding as a product of matrices, in place of a convolution whose stride is its kernel's size.

Both multiply the same numbers. OpenVINO's 8-bit product of matrices is faster than its convolution, and answers with
channels last, as the blocks read them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from export.model.fuse_attention import drop_unread
from handler.photos.encoder import INPUT_NAME

if TYPE_CHECKING:
    from pathlib import Path


def multiply_patches(path: Path) -> bool:
    """Rewrite the float32 ONNX file at `path` in place; whether it had such a convolution of the pixels.

    Where a batch's size is taken from the convolution's shape, that stays; it is a constant once the batch is fixed.
    The file stays as it is unless a Reshape and a Transpose turn what the convolution gives into (n, patches, dim).
    """
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load(str(path))
    graph = model.graph
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    convolution = next((node for node in graph.node if node.op_type == "Conv" and node.input[0] == INPUT_NAME), None)
    flat = _flattened(convolution, graph) if convolution is not None and convolution.input[1] in tensors else None
    if convolution is None or flat is None:
        return False
    kernel = numpy_helper.to_array(tensors[convolution.input[1]])
    dim, colors, height, width = kernel.shape
    size = [side.dim_value for side in _shape(graph)[2:]]
    if helper.get_node_attr_value(convolution, "strides") != [height, width] or size[0] % height or size[1] % width:
        return False
    rows, columns = size[0] // height, size[1] // width
    constants = {
        "patch_grid": np.array([-1, colors, rows, height, columns, width]),
        "patch_rows": np.array([-1, rows * columns, colors * height * width]),
        "patch_weights": kernel.reshape(dim, -1).T.copy(),
    }
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    product = "patch_products" if len(convolution.input) == 3 else flat
    nodes = [
        helper.make_node("Reshape", [INPUT_NAME, "patch_grid"], ["patch_pixels"]),
        helper.make_node("Transpose", ["patch_pixels"], ["patches_first"], perm=[0, 2, 4, 1, 3, 5]),
        helper.make_node("Reshape", ["patches_first", "patch_rows"], ["patches"]),
        helper.make_node("MatMul", ["patches", "patch_weights"], [product]),
    ]
    if product != flat:
        nodes.append(helper.make_node("Add", [product, convolution.input[2]], [flat]))
    rest = [node for node in graph.node if node.output[0] != flat]
    del graph.node[:]
    graph.node.extend([*nodes, *rest])
    drop_unread(graph)
    onnx.save(model, str(path))
    return True


def _shape(graph: Any) -> Any:
    return next(value for value in graph.input if value.name == INPUT_NAME).type.tensor_type.shape.dim


def _flattened(convolution: Any, graph: Any) -> str | None:
    """The tensor (n, patches, dim) that a Reshape and a Transpose make of what `convolution` gives."""
    reshaped = _reader(convolution, "Reshape", graph)
    transposed = _reader(reshaped, "Transpose", graph) if reshaped is not None else None
    return None if transposed is None else str(transposed.output[0])


def _reader(node: Any, kind: str, graph: Any) -> Any | None:
    return next((other for other in graph.node if other.op_type == kind and node.output[0] in other.input), None)
