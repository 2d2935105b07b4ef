"""Attention as one node, patches as one product, the last block for the CLS token alone: the same embeddings."""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from export.model.checkpoint import load_checkpoint
from export.model.first_token import keep_first_token
from export.model.fuse_attention import fuse_attention
from export.model.patch_product import multiply_patches
from export.model.pool_graph import append_pooling, fold_constants
from export.model.trace import trace
from handler.photos.encoder import INPUT_NAME
from tests.export.model.tiny_models import FAMILIES, SIDE, write_checkpoint

if TYPE_CHECKING:
    from pathlib import Path

    from export.model.checkpoint import Checkpoint

BLOCKS = 2


def traced(family: str, pooling: str, folder: Path) -> tuple[Checkpoint, Path]:
    checkpoint = load_checkpoint(str(write_checkpoint(family, folder / "checkpoint")), pooling=pooling)
    path = folder / "encoder.onnx"
    trace(checkpoint, path)
    append_pooling(path, checkpoint.pooling, prefix_tokens=checkpoint.prefix_tokens, dim=checkpoint.dim)
    fold_constants(path)
    return checkpoint, path


def answer(path: Path, count: int) -> np.ndarray:
    pixels = np.random.default_rng(0).standard_normal((count, 3, SIDE, SIDE), dtype=np.float32)
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {INPUT_NAME: pixels})[0])


def operators(path: Path) -> collections.Counter[str]:
    return collections.Counter(node.op_type for node in onnx.load(str(path)).graph.node)


def tokens_of(path: Path, operator: str) -> list[int]:
    """How many tokens the first input of each `operator` has for one picture, in the graph's order."""
    model = onnx.load(str(path))
    names = [node.input[0] for node in model.graph.node if node.op_type == operator]
    model.graph.output.extend(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    pixels = np.zeros((1, 3, SIDE, SIDE), np.float32)
    return [value.shape[1] for value in session.run(names, {INPUT_NAME: pixels})]


@pytest.mark.parametrize("family", FAMILIES)
def test_each_block_has_one_attention_node_and_the_same_embedding(family: str, tmp_path: Path) -> None:
    checkpoint, path = traced(family, "auto", tmp_path)
    before = answer(path, 3)
    assert fuse_attention(path, checkpoint.heads) == BLOCKS
    onnx.checker.check_model(str(path))
    assert operators(path)["MultiHeadAttention"] == BLOCKS
    # SigLIP pools by an attention of another form, which stays.
    assert operators(path)["Softmax"] == (1 if family == "siglip_vision_model" else 0)
    np.testing.assert_allclose(answer(path, 3), before, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_patches_are_multiplied_and_not_convolved(family: str, tmp_path: Path) -> None:
    _, path = traced(family, "auto", tmp_path)
    before = answer(path, 3)
    assert multiply_patches(path)
    onnx.checker.check_model(str(path))
    # At most its shape is still read.
    model = onnx.load(str(path))
    kernels = [node.input[1] for node in model.graph.node if node.op_type == "Conv"]
    for tensor in model.graph.initializer:
        if tensor.name in kernels:
            tensor.CopyFrom(onnx.numpy_helper.from_array(np.zeros(tensor.dims, np.float32), tensor.name))
    onnx.save(model, str(path))
    np.testing.assert_allclose(answer(path, 3), before, rtol=1e-4, atol=1e-5)


def test_a_convolution_of_overlapping_patches_stays(tmp_path: Path) -> None:
    _, path = traced("vit", "cls", tmp_path)
    model = onnx.load(str(path))
    convolution = next(node for node in model.graph.node if node.op_type == "Conv")
    next(attribute for attribute in convolution.attribute if attribute.name == "strides").ints[:] = [4, 4]
    onnx.save(model, str(path))
    before = path.read_bytes()
    assert not multiply_patches(path)
    assert path.read_bytes() == before


def test_attention_with_a_mask_is_left_alone(tmp_path: Path) -> None:
    checkpoint, path = traced("vit", "cls", tmp_path)
    model = onnx.load(str(path))
    softmax = next(node for node in model.graph.node if node.op_type == "Softmax")
    mask = onnx.numpy_helper.from_array(np.zeros((1, 1, 1, 1), np.float32), "mask")
    model.graph.initializer.append(mask)
    masked = onnx.helper.make_node("Add", [softmax.input[0], "mask"], ["masked"])
    model.graph.node.insert(list(model.graph.node).index(softmax), masked)
    softmax.input[0] = "masked"
    onnx.save(model, str(path))
    before = answer(path, 2)
    assert fuse_attention(path, checkpoint.heads) == BLOCKS - 1
    np.testing.assert_allclose(answer(path, 2), before, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("family", "pooling"),
    [
        ("vit", "cls"),
        ("deit", "cls"),
        ("dinov2", "cls"),
        ("dinov2_with_registers", "cls"),
        ("clip_vision_model", "projection"),
    ],
)
def test_the_last_block_works_on_the_token_that_is_read(family: str, pooling: str, tmp_path: Path) -> None:
    checkpoint, path = traced(family, pooling, tmp_path)
    before = answer(path, 3)
    fuse_attention(path, checkpoint.heads)
    all_tokens = tokens_of(path, "MultiHeadAttention")[0]
    assert keep_first_token(path) > 10
    onnx.checker.check_model(str(path))
    assert tokens_of(path, "MultiHeadAttention") == [all_tokens, 1]
    # Of its six MatMuls query, output and the two of the MLP; key and value see every token.
    assert tokens_of(path, "MatMul")[: 6 * BLOCKS].count(1) == 4
    np.testing.assert_allclose(answer(path, 3), before, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("family", "pooling"), [("vit", "mean"), ("siglip_vision_model", "pooler")])
def test_a_graph_that_reads_all_tokens_stays_as_it_is(family: str, pooling: str, tmp_path: Path) -> None:
    checkpoint, path = traced(family, pooling, tmp_path)
    fuse_attention(path, checkpoint.heads)
    before = path.read_bytes()
    assert keep_first_token(path) == 0
    assert path.read_bytes() == before
