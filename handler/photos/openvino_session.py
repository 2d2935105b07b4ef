"""A graph of OpenVINO, which is an optional package and imported only when a bundle's encoder asks for it."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from handler.errors import BundleCorrupt, ConfigurationError
from handler.photos.cores import available_cores
from handler.photos.tensor_names import INPUT_NAME, check_names

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

TOGETHER = 8
"""Photos that are encoded at once: weights are read once for all of them, which matters where products are fast (AMX).
Ranges of activations are part of the graph, so a photo's vector does not depend on the others."""


class OpenVinoSession:
    """A function from pixels (n, 3, *size) to embeddings (n, dim); threads may call it at the same time."""

    def __init__(self, path: Path, size: tuple[int, int], *, threads: int, bfloat16: bool) -> None:
        """Open the graph at `path` (.xml, with its .bin beside it).

        `threads` work on one photo, 0 means one per physical core; with one, each core takes photos of its own. With
        `bfloat16`, float operations take 16 bits where the CPU can, and vectors differ from those of other CPUs.
        Raises ConfigurationError if OpenVINO is not installed, BundleCorrupt unless the files are a graph with an
        encoder's input and output.
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
        streams = available_cores() if threads == 1 else 1
        self._options = {
            "INFERENCE_PRECISION_HINT": "bf16" if bfloat16 and _has_bfloat16(openvino) else "f32",
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": streams,
            "INFERENCE_NUM_THREADS": threads * streams,
        }
        self._path, self._size = path, size
        self._core: Any = openvino.Core()
        self._compiling = threading.Lock()
        self._requests: dict[int, queue.SimpleQueue[Any]] = {}
        self._compiled: dict[int, Any] = {}
        try:
            compiled = self._compile(1)
        except RuntimeError as error:
            raise BundleCorrupt(f"{path} does not open as an OpenVINO model: {error}") from error
        check_names(path, *([port.get_any_name() for port in ports] for ports in (compiled.inputs, compiled.outputs)))

    def __call__(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """TOGETHER photos at a time, the rest one by one."""
        whole = len(pixels) - len(pixels) % TOGETHER
        batches = [pixels[start : start + TOGETHER] for start in range(0, whole, TOGETHER)]
        batches += [pixels[start : start + 1] for start in range(whole, len(pixels))]
        return np.concatenate([self._run(batch) for batch in batches])

    def _run(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        compiled = self._compile(len(pixels))
        idle = self._requests[len(pixels)]
        try:
            request = idle.get_nowait()
        except queue.Empty:
            request = compiled.create_infer_request()
        embeddings = np.array(request.infer({INPUT_NAME: pixels})[0], dtype=np.float32)
        idle.put(request)
        return embeddings

    def _compile(self, batch: int) -> Any:
        """The graph for `batch` photos: a fixed shape is faster than a free one, and has weights of its own."""
        with self._compiling:
            if batch not in self._compiled:
                model = self._core.read_model(self._path)
                model.reshape([batch, 3, *self._size])
                self._requests[batch] = queue.SimpleQueue()
                self._compiled[batch] = self._core.compile_model(model, "CPU", self._options)
            return self._compiled[batch]


def _has_bfloat16(openvino: Any) -> bool:
    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
