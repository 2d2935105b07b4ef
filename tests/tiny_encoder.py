"""A real ONNX encoder of a few kilobytes: enough structure that like looks like, and no download."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from handler.photos.encoder import ENCODER_FILE, INPUT_NAME, OUTPUT_NAME, SPEC_FILE, EncoderSpec
from handler.photos.images import Preprocessing

if TYPE_CHECKING:
    from pathlib import Path

DIM = 48
SIZE = 32


def write_tiny_encoder(directory: Path, seed: int = 0, size: int = SIZE, mean: float = 0.5) -> Path:
    """Random convolution over patches, ReLU, mean over the picture: (n, 3, size, size) -> (n, 48)."""
    rng = np.random.default_rng(seed)
    weights = numpy_helper.from_array(rng.normal(0, 0.2, (DIM, 3, 8, 8)).astype(np.float32), "weights")
    bias = numpy_helper.from_array(rng.normal(0, 0.5, DIM).astype(np.float32), "bias")
    nodes = [
        helper.make_node("Conv", [INPUT_NAME, "weights", "bias"], ["patches"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Relu", ["patches"], ["active"]),
        helper.make_node("GlobalAveragePool", ["active"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], [OUTPUT_NAME]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(INPUT_NAME, TensorProto.FLOAT, ["batch", 3, size, size])],
        [helper.make_tensor_value_info(OUTPUT_NAME, TensorProto.FLOAT, ["batch", DIM])],
        [weights, bias],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    directory.mkdir(parents=True, exist_ok=True)
    onnx.save(model, directory / ENCODER_FILE)
    spec = EncoderSpec(
        source="tiny",
        architecture="conv",
        pooling="mean",
        precision="fp32",
        dim=DIM,
        preprocessing=Preprocessing(resize=(size, size), resample="bicubic", mean=(mean,) * 3, std=(0.5, 0.5, 0.5)),
    )
    (directory / SPEC_FILE).write_text(spec.model_dump_json())
    return directory
