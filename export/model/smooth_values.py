"""SmoothQuant for what an attention gives; see smooth.py, which does norms.

Channel j of an attention is a weighted mean of channel j of its values, so the weights and the bias that make the
values take the division, and nothing is left to compute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from export.model.fuse_attention import ATTENTION
from export.model.smooth import channel_ranges, replace_values, smoothing_factors, unshare

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray


def smooth_values(path: Path, pictures: Iterable[NDArray[np.float32]]) -> int:
    """Rewrite the float32 ONNX file at `path`, with attentions fused by `fuse_attention`, in place.

    `pictures` are those of `smooth`. Returns the number of attentions that were smoothed: those that one MatMul reads
    and nothing else, with weights that are nobody else's, and whose values are a product plus a bias.
    """
    import onnx
    from onnx import numpy_helper

    model = onnx.load(str(path))
    links = _Links(model.graph)
    chains = [chain for node in model.graph.node if (chain := links.values(node)) is not None]
    if not chains:
        return 0
    ranges = channel_ranges(model, [projection.input[0] for *_, projection in chains], pictures)
    for product, biased, bias, projection in chains:
        weights = numpy_helper.to_array(links.tensors[projection.input[1]])
        factors = smoothing_factors(ranges[projection.input[0]], [weights])
        unshare(biased, bias, model.graph, links.tensors)
        for name in (product.input[1], biased.input[bias]):
            replace_values(links.tensors[name], numpy_helper.to_array(links.tensors[name]) / factors)
        replace_values(links.tensors[projection.input[1]], weights * factors[:, None])
    onnx.save(model, str(path))
    return len(chains)


class _Links:
    """Who makes and who reads each tensor of a graph, and its constants by name."""

    def __init__(self, graph: Any) -> None:
        self.tensors = {tensor.name: tensor for tensor in graph.initializer}
        self._maker = {name: node for node in graph.node for name in node.output}
        names = [*(name for node in graph.node for name in node.input), *(value.name for value in graph.output)]
        self._uses = {name: names.count(name) for name in set(names)}

    def values(self, projection: Any) -> tuple[Any, Any, int, Any] | None:
        """The MatMul and the Add that make the values of an attention, the Add's input that is the bias, `projection`.

        None unless `projection` is a MatMul that reads an attention, alone as all the others.
        """
        attention = self._maker.get(projection.input[0]) if self._is_product(projection) else None
        if attention is None or attention.op_type != ATTENTION:
            return None
        biased = self._maker.get(attention.input[2])
        if biased is None or biased.op_type != "Add":
            return None
        constant = [name in self.tensors for name in biased.input]
        product = self._maker.get(biased.input[constant.index(False)]) if sum(constant) == 1 else None
        if product is None or not self._is_product(product):
            return None
        alone = all(self._uses[node.output[0]] == 1 for node in (product, biased, attention))
        return (product, biased, constant.index(True), projection) if alone else None

    def _is_product(self, node: Any) -> bool:
        """Whether `node` multiplies by weights of its own."""
        return node.op_type == "MatMul" and node.input[1] in self.tensors and self._uses[node.input[1]] == 1
