"""OpenVINO's format in 8 bits, quantized by NNCF: the fastest encoder on x86, for those who install OpenVINO.

Unlike onnxruntime's int8, ranges of activations are fixed beforehand from calibration photos, and products of two
activations (attention) are in integers, too.
"""

from __future__ import annotations

import contextlib
import io
import os
from typing import TYPE_CHECKING

from export.model.quiet import quiet, require_packages

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

SMOOTHING = 0.5
"""SmoothQuant's alpha, as in smooth.py: 0.881 of the neighbors kept on 600 clothing photos (DINOv2-S), 0.847 with
NNCF's own. Weights keep all 8 bits: with 7, which CPUs without VNNI need, it is 0.847 as well."""

_EXTRA = ("openvino", "nncf")


def require_openvino_extra() -> None:
    """Raise ExportError, naming the missing packages of the extra `openvino`; imports nothing."""
    require_packages(_EXTRA, "Exporting for OpenVINO", "export openvino")


def quantize_by_nncf(
    graph: Path, target: Path, calibration: Iterable[NDArray[np.float32]], *, smoothing: float | None = None
) -> int:
    """Write the float32 ONNX file `graph` to `target` (.xml, with its weights beside it in .bin) in 8 bits.

    `calibration` yields batches (1, 3, height, width) of preprocessed photos. `smoothing` is SmoothQuant's alpha; None
    leaves it to NNCF. Returns the bytes of both files.
    """
    os.environ.setdefault("NNCF_CI", "1")  # or NNCF would send statistics of its use to its makers
    batches = list(calibration)
    with quiet(), contextlib.redirect_stdout(io.StringIO()):
        import nncf
        import openvino

        alphas = {} if smoothing is None else {"matmul": smoothing}
        model = nncf.quantize(
            openvino.Core().read_model(graph),
            nncf.Dataset(batches),
            model_type=nncf.ModelType.TRANSFORMER,
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(batches),
            advanced_parameters=nncf.AdvancedQuantizationParameters(
                smooth_quant_alphas=nncf.AdvancedSmoothQuantParameters(**alphas)
            ),
        )
    openvino.save_model(model, str(target), compress_to_fp16=False)
    return target.stat().st_size + target.with_suffix(".bin").stat().st_size
