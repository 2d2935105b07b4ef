"""Large weights in a file of their own beside the graph, which the runtime maps instead of reading.

An ONNX file is one protobuf message: opening 343 MB of it copies the weights twice. Mapped weights are read from the
page cache as they are used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handler.photos.encoder import WEIGHTS_FILE

if TYPE_CHECKING:
    from pathlib import Path

LARGE = 100_000_000
"""Bytes of a graph from which on its weights go to their own file. Smaller ones open in a fraction of a second."""

_SMALL_TENSOR = 1_024
"""Bytes; constants below stay in the graph, where the runtime can fold them."""


def separate_weights(path: Path) -> int:
    """Move the weights of the ONNX file at `path` to WEIGHTS_FILE beside it, if the file is LARGE.

    Returns the bytes of both files.
    """
    import onnx

    if path.stat().st_size < LARGE:
        return path.stat().st_size
    onnx.save_model(
        onnx.load(str(path)),
        str(path),
        save_as_external_data=True,
        all_tensors_to_one_file=True,
        location=WEIGHTS_FILE,
        size_threshold=_SMALL_TENSOR,
    )
    return path.stat().st_size + path.with_name(WEIGHTS_FILE).stat().st_size
