"""The peer of the encoder's benchmark: the same graph in OpenVINO, in 8 bits by NNCF with its transformer defaults."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from export.model.quiet import quiet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from numpy.typing import NDArray


def quantize_by_nncf(graph: Path, target: Path, calibration: Iterable[NDArray[np.float32]]) -> None:
    """Write `graph` (float32 ONNX) to `target` (.xml beside .bin) in 8 bits, by ranges from `calibration`."""
    import nncf
    import openvino

    batches = list(calibration)
    with quiet():
        model = nncf.quantize(
            openvino.convert_model(str(graph)),
            nncf.Dataset(batches),
            model_type=nncf.ModelType.TRANSFORMER,
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(batches),
        )
    openvino.save_model(model, str(target), compress_to_fp16=False)


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
