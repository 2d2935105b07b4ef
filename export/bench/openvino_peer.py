"""The peer of the encoder's benchmark: the same graph in OpenVINO, in 8 bits by NNCF with its transformer defaults."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray


def open_in_openvino(path: Path, size: tuple[int, int]) -> Callable[[NDArray[np.float32]], NDArray[Any]]:
    """A function from (n, 3, *size) pixels to embeddings, on one thread, compiled once for each n."""
    import openvino

    core = openvino.Core()
    options = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"}

    @functools.cache
    def compiled(batch: int) -> Any:
        model = core.read_model(path)
        model.reshape([batch, 3, *size])
        return core.compile_model(model, "CPU", options).create_infer_request()

    def run(pixels: NDArray[np.float32]) -> NDArray[Any]:
        return np.array(next(iter(compiled(len(pixels)).infer({0: pixels}).values())))

    return run
