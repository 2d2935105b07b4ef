"""A checkpoint to the ONNX graph of one precision: every step from PyTorch to the file that is served."""

from __future__ import annotations

from typing import TYPE_CHECKING

from export.model.external_weights import separate_weights
from export.model.first_token import keep_first_token
from export.model.fuse_attention import fuse_attention
from export.model.openvino_int8 import quantize_for_openvino
from export.model.patch_product import multiply_patches
from export.model.pool_graph import append_pooling, fold_constants
from export.model.quantize import quantize
from export.model.smooth import smooth
from export.model.smooth_values import smooth_values
from export.model.trace import trace
from handler.photos.encoder import OPENVINO_FILE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from export.model.checkpoint import Checkpoint
    from export.model.quantize import Precision


def trace_graph(checkpoint: Checkpoint, file: Path) -> None:
    """Write `checkpoint` to `file` in float32, pooled, as PyTorch computes it."""
    trace(checkpoint, file)
    append_pooling(file, checkpoint.pooling, prefix_tokens=checkpoint.prefix_tokens, dim=checkpoint.dim)
    fold_constants(file)


def refine_graph(file: Path, precision: Precision, heads: int, calibration: Iterable[NDArray[np.float32]]) -> int:
    """Rewrite what `trace_graph` wrote to compute less, in `precision`; return the bytes of the file and its weights.

    `calibration` yields batches (n, 3, height, width) of preprocessed photos; only int8 reads them.
    """
    fuse_attention(file, heads)
    if precision == "int8":
        smooth(file, calibration)
    keep_first_token(file)  # after smoothing, which needs every reader of a norm to be a MatMul
    quantize(file, precision)
    return separate_weights(file)


def refine_for_openvino(file: Path, heads: int, calibration: Iterable[NDArray[np.float32]]) -> int:
    """Put OpenVINO's two files, in 8-bit integers, in place of what `trace_graph` wrote; return their bytes.

    `calibration` is that of `refine_graph`.
    """
    batches = list(calibration)
    fuse_attention(file, heads)
    smooth(file, batches)
    smooth_values(file, batches)
    multiply_patches(file)
    keep_first_token(file)
    size = quantize_for_openvino(file, file.with_name(OPENVINO_FILE), batches)
    file.unlink()
    return size
