"""The end of the graph: from the model's output to one `embedding` a picture; then everything constant folded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from export.model.trace import MODEL_OUTPUT
from handler.photos.encoder import INPUT_NAME, OUTPUT_NAME

if TYPE_CHECKING:
    from pathlib import Path

    from export.model.families import Pooling

_LAST = np.iinfo(np.int64).max


def append_pooling(path: Path, pooling: Pooling, *, prefix_tokens: int, dim: int) -> None:
    """Make the ONNX file at `path` answer (batch, dim) named `embedding`, in place.

    cls: token 0. mean: the mean over tokens from `prefix_tokens` on, so over patches only. pooler, projection: already
    pooled by the model, only renamed. Embeddings keep their length: `handler.photos.encoder` normalizes.
    """
    import onnx
    from onnx import helper

    model = onnx.load(str(path))
    graph = model.graph
    source = MODEL_OUTPUT[pooling]
    if pooling == "cls":
        _constants(graph, pool_token=0)
        graph.node.append(helper.make_node("Gather", [source, "pool_token"], [OUTPUT_NAME], axis=1))
    elif pooling == "mean":
        _constants(graph, pool_start=[prefix_tokens], pool_end=[_LAST], pool_axis=[1])
        graph.node.append(helper.make_node("Slice", [source, "pool_start", "pool_end", "pool_axis"], ["patch_tokens"]))
        graph.node.append(helper.make_node("ReduceMean", ["patch_tokens", "pool_axis"], [OUTPUT_NAME], keepdims=0))
    else:
        graph.node.append(helper.make_node("Identity", [source], [OUTPUT_NAME]))
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info(OUTPUT_NAME, onnx.TensorProto.FLOAT, ["batch", dim]))
    onnx.save(model, str(path))


def fold_constants(path: Path, input_name: str = INPUT_NAME) -> None:
    """Let onnxruntime fold constants and drop dead nodes, in place: what every session would do again at each start.

    Only its basic level, whose graph runs on any CPU. The transformer fusions (attention, skip-layer-norm, bias-gelu)
    are left to the session: written into the file beforehand they were measured slower (fp32 55 against 48 ms, int8
    25 against 18), because they keep the runtime from merging bias, scale and quantization into its own kernels.
    """
    import onnx
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(path.with_suffix(".folded"))
    options.log_severity_level = 3
    # A Gemm in place of MatMul + Add would hide the weights from quantization.
    ort.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"], disabled_optimizers=["MatMulAddFusion"]
    )
    path.with_suffix(".folded").replace(path)
    model = onnx.load(str(path))
    # Folding renames nothing that callers see; check it, since a graph without its input would still load.
    assert [value.name for value in model.graph.input] == [input_name]  # noqa: S101


def _constants(graph: Any, **values: int | list[int]) -> None:
    from onnx import numpy_helper

    for name, value in values.items():
        graph.initializer.append(numpy_helper.from_array(np.array(value, dtype=np.int64), name))
