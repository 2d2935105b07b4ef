"""Attention as one node: onnxruntime's MultiHeadAttention in place of the dozen nodes that PyTorch is traced to.

The traced graph splits heads with Reshape and Transpose, scales, multiplies, takes the softmax, multiplies again and
joins the heads. MultiHeadAttention does all that block by block in cache, without the (heads, tokens, tokens) scores
in memory. Query, key and value keep the projections they have, so quantization sees the same MatMuls as before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

RUNTIME_DOMAIN = "com.microsoft"
"""Operators that onnxruntime adds to ONNX."""

ATTENTION = "MultiHeadAttention"
"""Its inputs are query, key and value, each (n, tokens, dim)."""


def fuse_attention(path: Path, heads: int) -> int:
    """Rewrite the float32 ONNX file at `path` in place and return the number of attentions that became one node.

    `heads` is the number of heads of every attention. An attention of another form, such as the pooling head of SigLIP,
    stays as it is.
    """
    import onnx

    model = onnx.load(str(path))
    nodes = _Links(model.graph)
    found = [fused for softmax in model.graph.node if (fused := _fused(softmax, nodes, heads)) is not None]
    if not found:
        return 0
    replacements = {node.output[0]: node for node in found}
    rest = [replacements.get(node.output[0], node) for node in model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(rest)
    drop_unread(model.graph)
    if all(opset.domain != RUNTIME_DOMAIN for opset in model.opset_import):
        model.opset_import.append(onnx.helper.make_opsetid(RUNTIME_DOMAIN, 1))
    onnx.save(model, str(path))
    return len(found)


class _Links:
    """Who makes and who reads each tensor of a graph, and the values of its scalar constants."""

    def __init__(self, graph: Any) -> None:
        from onnx import numpy_helper

        self.maker = {name: node for node in graph.node for name in node.output}
        self.readers: dict[str, list[Any]] = {}
        for node in graph.node:
            for name in node.input:
                self.readers.setdefault(name, []).append(node)
        self.scalars = {
            tensor.name: float(numpy_helper.to_array(tensor)) for tensor in graph.initializer if not tensor.dims
        }

    def reader(self, node: Any, kind: str) -> Any | None:
        """The only reader of `node`'s output if it is a `kind`."""
        readers = self.readers.get(node.output[0], [])
        return readers[0] if len(readers) == 1 and readers[0].op_type == kind else None


def _fused(softmax: Any, links: _Links, heads: int) -> Any | None:
    """The node to put in place of the Reshape that joins the heads after `softmax`; None if it is no such attention."""
    from onnx import helper

    scores = links.maker.get(softmax.input[0])
    if softmax.op_type != "Softmax" or scores is None or scores.op_type != "MatMul":
        return None
    weighted = links.reader(softmax, "MatMul")
    transposed = links.reader(weighted, "Transpose") if weighted is not None else None
    joined = links.reader(transposed, "Reshape") if transposed is not None else None
    if weighted is None or joined is None:
        return None
    split = ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3])
    sources = [
        _before_split(name, links, order) for name, order in zip((*scores.input, weighted.input[1]), split, strict=True)
    ]
    if None in sources:
        return None
    (query, query_scale), (key, key_scale), (value, value_scale) = (source for source in sources if source)
    if value_scale != 1:
        return None
    return helper.make_node(
        ATTENTION,
        [query, key, value],
        [joined.output[0]],
        domain=RUNTIME_DOMAIN,
        num_heads=heads,
        scale=query_scale * key_scale,
    )


def _before_split(name: str, links: _Links, order: list[int]) -> tuple[str, float] | None:
    """(n, tokens, dim) tensor that `name` is the heads of, and the factor between them.

    None unless the way there is scaling by scalars, one Transpose by `order`, and the Reshape that splits the heads.
    """
    from onnx import helper

    scale, transposed = 1.0, False
    while (node := links.maker.get(name)) is not None:
        factor = [links.scalars[read] for read in node.input if read in links.scalars]
        if node.op_type == "Mul" and len(factor) == 1:
            scale *= factor[0]
            name = next(read for read in node.input if read not in links.scalars)
        elif node.op_type == "Div" and node.input[1] in links.scalars:
            scale /= factor[0]
            name = node.input[0]
        elif node.op_type == "Transpose" and not transposed and helper.get_node_attr_value(node, "perm") == order:
            name, transposed = node.input[0], True
        elif node.op_type == "Reshape" and transposed:
            return node.input[0], scale
        else:
            return None
    return None


def drop_unread(graph: Any) -> None:
    """Remove nodes and constants that no output depends on."""
    needed = {value.name for value in graph.output}
    kept: list[Any] = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(node.input)
    tensors = [tensor for tensor in graph.initializer if tensor.name in needed]
    del graph.node[:]
    del graph.initializer[:]
    graph.node.extend(reversed(kept))
    graph.initializer.extend(tensors)
