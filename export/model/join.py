"""Two or more exported encoders as one ONNX file: one photo in, their unit vectors side by side out.

Encoders that were trained differently see different things (one the kind of product, another its look), and their
joined vectors find more than either alone. The joined file has one preprocessing, that of the part with the largest
input; the graph resizes and normalizes the same pixels for the other parts.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from export.model.export_model import check_out, move_into_place
from export.model.external_weights import separate_weights
from export.model.quiet import require_export_extra
from export.model.trace import OPSET
from handler.errors import ConfigurationError, ModelUnsupported
from handler.photos.encoder import ENCODER_FILE, INPUT_NAME, OUTPUT_NAME, SPEC_FILE, EncoderSpec, Part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from handler.photos.images import Preprocessing

BICUBIC_A = -0.5
"""Pillow's bicubic kernel, so that a part sees what its own preprocessing would have shown it."""
_PRECISIONS = ("fp32", "fp16", "w8", "int8")


def join_encoders(
    directories: Sequence[Path],
    out: Path,
    weights: Sequence[float],
    *,
    name: str | None = None,
    check: Callable[[Path], object] | None = None,
) -> EncoderSpec:
    """Write the joined encoder of `directories` to `out`; `weights` are the lengths of the parts' vectors.

    `check` gets the directory that was made before it is moved to `out`; if it raises, `out` stays as it was. Raises
    ConfigurationError for fewer than two directories, another number of weights or an unusable `out`, ModelUnsupported
    for graphs of different ONNX versions or another runtime, BundleCorrupt for a directory that holds no encoder.
    """
    require_export_extra()
    import onnx

    if len(directories) < 2 or len(weights) != len(directories) or min(weights) <= 0:
        raise ConfigurationError(
            f"Cannot join {len(directories)} encoders with the weights {list(weights)}.",
            field="join",
            value=list(weights),
            limit="at least two encoders, a weight above 0 for each",
        )
    check_out(out)
    specs = [EncoderSpec.read(directory / SPEC_FILE) for directory in directories]
    for spec in specs:
        if spec.runtime != "onnxruntime":
            raise ModelUnsupported(
                f"{spec.source} was exported for {spec.runtime}; only ONNX files can be joined.",
                field="runtime",
                value=spec.runtime,
                limit="onnxruntime",
                remedy="Export it again without --runtime.",
            )
    spec = _joined_spec(specs, weights, name)
    models = [onnx.load(str(directory / ENCODER_FILE)) for directory in directories]
    joined = _joined_graph(models, specs, weights, spec)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".vitrine-join-") as temporary:
        made = Path(temporary) / "encoder"
        made.mkdir()
        onnx.save(joined, str(made / ENCODER_FILE))
        separate_weights(made / ENCODER_FILE)
        (made / SPEC_FILE).write_text(spec.model_dump_json(indent=2) + "\n", encoding="utf-8")
        if check is not None:
            check(made)
        move_into_place(made, out)
    return spec


def _joined_spec(specs: Sequence[EncoderSpec], weights: Sequence[float], name: str | None) -> EncoderSpec:
    largest = max(specs, key=lambda spec: spec.preprocessing.input_size)
    licences = [spec.licence for spec in specs]
    return EncoderSpec(
        source=name or " + ".join(spec.source for spec in specs),
        architecture=" + ".join(spec.architecture for spec in specs),
        pooling="joined",
        precision=max((spec.precision for spec in specs), key=_PRECISIONS.index),
        dim=sum(spec.dim for spec in specs),
        licence=None if None in licences else _all_of(" AND ".join(map(str, licences))),
        parts=tuple(part for spec, weight in zip(specs, weights, strict=True) for part in _parts(spec, float(weight))),
        preprocessing=largest.preprocessing,
    )


def _all_of(licences: str) -> str:
    """An SPDX expression of licenses joined by AND, each named once."""
    return " AND ".join(dict.fromkeys(licences.split(" AND ")))


def _parts(spec: EncoderSpec, weight: float) -> Iterator[Part]:
    """The encoder itself, or the parts that it was joined from, with lengths that make up `weight`."""
    if not spec.parts:
        yield Part(source=spec.source, dim=spec.dim, weight=weight, whitening=spec.whitening)
        return
    length = float(np.linalg.norm([part.weight for part in spec.parts]))
    for part in spec.parts:
        yield part.model_copy(update={"weight": part.weight * weight / length})


def _joined_graph(
    models: Sequence[Any], specs: Sequence[EncoderSpec], weights: Sequence[float], joined: EncoderSpec
) -> Any:
    from onnx import TensorProto, compose, helper

    opsets = _common_opsets(models)
    nodes, constants, outputs = [], [], []
    for number, (model, spec, weight) in enumerate(zip(models, specs, weights, strict=True)):
        prefix = f"part{number}_"
        own = compose.add_prefix(model, prefix).graph
        given, made = _seen_by_part(joined.preprocessing, spec.preprocessing, prefix)
        constants += [*made, *own.initializer, _constant(f"{prefix}weight", np.float32(weight))]
        nodes += [*given, *own.node]
        nodes.append(helper.make_node("LpNormalization", [f"{prefix}{OUTPUT_NAME}"], [f"{prefix}unit"], axis=1, p=2))
        nodes.append(helper.make_node("Mul", [f"{prefix}unit", f"{prefix}weight"], [f"{prefix}weighted"]))
        outputs.append(f"{prefix}weighted")
    nodes.append(helper.make_node("Concat", outputs, [OUTPUT_NAME], axis=1))
    shape = ["batch", 3, *joined.preprocessing.input_size]
    graph = helper.make_graph(
        nodes,
        "joined",
        [helper.make_tensor_value_info(INPUT_NAME, TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(OUTPUT_NAME, TensorProto.FLOAT, ["batch", joined.dim])],
        constants,
    )
    versions = [helper.make_opsetid(domain, version) for domain, version in opsets.items()]
    return helper.make_model(graph, opset_imports=versions, ir_version=max(model.ir_version for model in models))


def _common_opsets(models: Sequence[Any]) -> dict[str, int]:
    found: dict[str, int] = {}
    for model in models:
        for opset in model.opset_import:
            if found.setdefault(opset.domain, opset.version) != opset.version:
                raise ModelUnsupported(
                    f"One encoder uses version {found[opset.domain]} of ONNX's operators "
                    f"{opset.domain or 'ai.onnx'}, another version {opset.version}.",
                    value=opset.version,
                    limit=found[opset.domain],
                    remedy="Export both again with this version of Vitrine.",
                )
    if found[""] < OPSET:
        raise ModelUnsupported(
            f"The encoders use version {found['']} of ONNX's operators; joining needs {OPSET}.",
            value=found[""],
            limit=OPSET,
            remedy="Export both again with this version of Vitrine.",
        )
    return found


def _seen_by_part(joined: Preprocessing, own: Preprocessing, prefix: str) -> tuple[list[Any], list[Any]]:
    """Nodes and constants that turn the joined input into a part's own: other normalization, then another size."""
    from onnx import helper

    current, target = INPUT_NAME, f"{prefix}{INPUT_NAME}"
    nodes, constants = [], []
    # Pixels p arrive as (p * r - m) / s; the part wants (p * r' - m') / s'.
    ratio = own.rescale / joined.rescale
    scale = ratio * np.asarray(joined.std) / np.asarray(own.std)
    shift = (ratio * np.asarray(joined.mean) - np.asarray(own.mean)) / np.asarray(own.std)
    if not (np.allclose(scale, 1) and np.allclose(shift, 0)):
        for operator, values in (("Mul", scale), ("Add", shift)):
            constants.append(_constant(f"{prefix}{operator}", values.astype(np.float32).reshape(1, 3, 1, 1)))
            nodes.append(helper.make_node(operator, [current, f"{prefix}{operator}"], [f"{prefix}after_{operator}"]))
            current = f"{prefix}after_{operator}"
    if own.input_size != joined.input_size:
        constants.append(_constant(f"{prefix}size", np.asarray(own.input_size, dtype=np.int64)))
        resize = {"mode": "cubic", "cubic_coeff_a": BICUBIC_A, "antialias": 1, "axes": [2, 3]}
        nodes.append(helper.make_node("Resize", [current, "", "", f"{prefix}size"], [f"{prefix}resized"], **resize))
        current = f"{prefix}resized"
    nodes.append(helper.make_node("Identity", [current], [target]))
    return nodes, constants


def _constant(name: str, values: Any) -> Any:
    from onnx import numpy_helper

    return numpy_helper.from_array(np.asarray(values), name)
