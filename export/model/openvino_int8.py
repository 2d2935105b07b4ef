"""OpenVINO's format in 8 bits, quantized by NNCF: the fastest encoder on x86, for those who install OpenVINO.

Unlike onnxruntime's int8, ranges of activations are fixed beforehand from calibration photos, and queries are
multiplied by keys in integers, too. Weights keep all 8 bits: with 7, which CPUs without VNNI need, 2 to 3
of 100 more neighbors are lost.
"""

from __future__ import annotations

import contextlib
import io
import os
from typing import TYPE_CHECKING, Any

from export.model.quiet import quiet, require_packages

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

_NO_SMOOTHING = -1
_EXTRA = ("openvino", "nncf")


def require_openvino_extra() -> None:
    """Raise ExportError, naming the missing packages of the extra `openvino`; imports nothing."""
    require_packages(_EXTRA, "Exporting for OpenVINO", "export openvino")


def quantize_for_openvino(graph: Path, target: Path, calibration: Sequence[NDArray[np.float32]]) -> int:
    """Write the float32 ONNX file `graph`, smoothed and with fused attention, to `target` in 8 bits.

    `target` is an .xml and has its weights beside it in a .bin. `calibration` are batches (1, 3, height, width) of
    preprocessed photos. Returns the bytes of both files.
    """
    with _nncf() as nncf:
        import openvino
        from nncf.quantization.range_estimator import RangeEstimatorParametersSet

        model = openvino.Core().read_model(graph)
        _open_attention(model)
        advanced = nncf.AdvancedQuantizationParameters(
            # The graph is smoothed already, without factors that are left to multiply by.
            smooth_quant_alphas=nncf.AdvancedSmoothQuantParameters(matmul=_NO_SMOOTHING),
            # NNCF's default, the mean over photos of their largest value, clips those of every other photo.
            activations_range_estimator_params=RangeEstimatorParametersSet.MINMAX,
        )
        return _write(nncf, model, target, calibration, advanced)


def quantize_by_default(graph: Path, target: Path, calibration: Sequence[NDArray[np.float32]]) -> int:
    """Write the float32 ONNX file `graph` to `target` as NNCF quantizes transformers by default: see the benchmark."""
    with _nncf() as nncf:
        import openvino

        return _write(nncf, openvino.Core().read_model(graph), target, calibration, None)


@contextlib.contextmanager
def _nncf() -> Iterator[Any]:
    os.environ.setdefault("NNCF_CI", "1")  # or NNCF would send statistics of its use to its makers
    with quiet(), contextlib.redirect_stdout(io.StringIO()):
        import nncf

        yield nncf


def _write(nncf: Any, model: Any, target: Path, calibration: Sequence[NDArray[np.float32]], advanced: Any) -> int:
    import openvino

    quantized = nncf.quantize(
        model,
        nncf.Dataset(calibration),
        model_type=nncf.ModelType.TRANSFORMER,
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(calibration),
        advanced_parameters=advanced,
    )
    openvino.save_model(quantized, str(target), compress_to_fp16=False)
    return target.stat().st_size + target.with_suffix(".bin").stat().st_size


def _open_attention(model: Any) -> None:
    """Put products and a softmax in place of each attention of `model`.

    OpenVINO would do so itself, but with keys transposed in a step of its own.
    """
    import openvino.opset13 as operators

    for attention in model.get_ordered_ops():
        if attention.get_type_name() != "ScaledDotProductAttention":
            continue
        query, key, value, _mask, scale = (given.get_source_output() for given in attention.inputs())
        scores = operators.matmul(query, key, transpose_a=False, transpose_b=True)
        shares = operators.softmax(operators.multiply(scores, scale), axis=-1)
        opened = operators.matmul(shares, value, transpose_a=False, transpose_b=False)
        for reader in attention.output(0).get_target_inputs():
            reader.replace_source_output(opened.output(0))
    model.validate_nodes_and_infer_types()
