"""An ONNX graph in onnxruntime, which is imported only when a graph is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from handler.errors import BundleCorrupt
from handler.photos.tensor_names import INPUT_NAME, OUTPUT_NAME, check_names

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray


def open_onnx(path: Path, *, threads: int, prepack: bool) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """Open the graph at `path` as a function from pixels (n, 3, height, width) to embeddings (n, dim).

    Threads may call it at the same time. `threads` and `prepack` are Encoder's. Raises BundleCorrupt unless the file is
    a graph with an encoder's input and output.
    """
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    if not prepack:
        options.add_session_config_entry("session.disable_prepacking", "1")
    try:
        session: Any = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's exceptions share no narrower base
        raise BundleCorrupt(f"{path} does not open as an ONNX model: {error}") from error
    inputs, outputs = ([node.name for node in nodes] for nodes in (session.get_inputs(), session.get_outputs()))
    check_names(path, inputs, outputs)
    return lambda pixels: np.asarray(session.run([OUTPUT_NAME], {INPUT_NAME: pixels})[0], dtype=np.float32)
