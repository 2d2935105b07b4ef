"""A graph of OpenVINO, which is an optional package and imported only when a bundle's encoder asks for it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from handler.errors import BundleCorrupt, ConfigurationError
from handler.photos.tensor_names import INPUT_NAME, check_names

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray


def open_openvino(
    path: Path, size: tuple[int, int], *, threads: int
) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """Open the graph at `path` (.xml, with its .bin beside it) as a function from pixels (1, 3, *size) to (1, dim).

    Threads may call it at the same time; it runs one photo after the other. `threads` 0 means one per physical core.
    Raises ConfigurationError if OpenVINO is not installed, BundleCorrupt unless the files are a graph with an encoder's
    input and output.
    """
    try:
        import openvino
    except ImportError as error:
        raise ConfigurationError(
            f"{path} needs OpenVINO, which cannot be imported: {error}.",
            field="runtime",
            value="openvino",
            remedy="Install it with: scripts/setup openvino. For a function, name it in infra/api.txt and "
            "infra/reindex.txt in place of onnxruntime. Or export the encoder again without --runtime openvino.",
        ) from error
    # Float operations stay in 32 bits: by default they take 16 where the CPU can, and vectors would depend on the CPU.
    options = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1}
    core = openvino.Core()
    try:
        model = core.read_model(path)
        # A fixed shape is faster than one with a free batch.
        model.reshape([1, 3, *size])
        inputs, outputs = ([port.get_any_name() for port in ports] for ports in (model.inputs, model.outputs))
        compiled: Any = core.compile_model(model, "CPU", options | {"INFERENCE_NUM_THREADS": threads})
    except RuntimeError as error:
        raise BundleCorrupt(f"{path} does not open as an OpenVINO model: {error}") from error
    check_names(path, inputs, outputs)
    request, running = compiled.create_infer_request(), threading.Lock()

    def run(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        with running:  # a request holds one photo
            return np.array(request.infer({INPUT_NAME: pixels})[0], dtype=np.float32)

    return run
