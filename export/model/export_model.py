"""A checkpoint to the files that serve it, a graph and `preprocess.json`, or to nothing at all."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from export.model.check_parity import FLOORS, Floors, Parity, check_parity, measure_parity, measure_text_parity
from export.model.checkpoint import load_checkpoint
from export.model.openvino_int8 import require_openvino_extra
from export.model.parity_trial import Speed, calibration_batches, embed_both, measure_speed
from export.model.quiet import require_export_extra
from export.model.reference import embed
from export.model.text_tower import load_text_tower, write_text_tower
from export.model.trial_photos import photos_to_judge_by
from export.model.trial_texts import TRIAL_TEXTS
from export.model.write_graph import refine_for_openvino, refine_graph, trace_graph
from handler.errors import ConfigurationError
from handler.model_files import MODEL_FILES, TEXT_FILES
from handler.photos.encoder import ENCODER_FILE, OPENVINO_FILE, SPEC_FILE, EncoderSpec
from handler.words.text_encoder import TextEncoder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from rich.progress import Progress

    from export.model.checkpoint import Checkpoint
    from export.model.quantize import Precision
    from export.model.text_tower import TextTower
    from handler.photos.encoder import Runtime

DEFAULT_SAMPLE = 600


@dataclass(frozen=True)
class ExportRequest:
    """What to export, and what to judge it by."""

    model: str
    """Hugging Face id, or a directory written by `save_pretrained`."""
    out: Path
    """Directory to create; one that already holds an encoder has its files replaced."""
    photos: Path | None
    """Folder of photos, or a manifest of them, that the file is judged on. None: the drawn sample catalog."""
    pooling: str = "auto"
    layers: int | None = None
    precision: Precision = "fp32"
    runtime: Runtime = "onnxruntime"
    """The library that serves the encoder; "openvino" knows int8 only."""
    bfloat16: bool = False
    """Whether OpenVINO may compute in bfloat16 where the CPU can; vectors of other CPUs differ then."""
    licence: str | None = None
    """Overrides what the model card says."""
    name: str | None = None
    """What to call the model in preprocess.json; default: its id, or its directory's name."""
    sample: int = DEFAULT_SAMPLE
    """At most so many photos, evenly spread over the folder."""
    text: bool = False
    """Whether to export the text tower, too."""


@dataclass(frozen=True)
class ExportReport:
    """What was written and how good it is."""

    directory: Path
    spec: EncoderSpec
    file_bytes: int
    parity: Parity
    floors: Floors
    speed: Speed | None
    """None for a joined encoder, which has no PyTorch model as a whole."""
    text: Parity | None = None
    """Parity of the text tower, if it was exported."""


def export_model(
    request: ExportRequest, progress: Progress, prepare: Callable[[Checkpoint], Checkpoint] | None = None
) -> ExportReport:
    """Export, judge, and only then move into place: whatever goes wrong leaves `request.out` as it was.

    `prepare` may change the checkpoint after it is loaded; the file is held against what it returns.
    Raises ModelUnavailable, ModelUnsupported, ParityTooLow, ConfigurationError (photos or output directory that
    cannot be used, a runtime that lacks the precision) and ExportError (an extra is not installed).
    """
    require_export_extra()
    if request.runtime == "openvino":
        require_openvino_extra()
        _check_precision(request.precision)
    elif request.bfloat16:
        raise ConfigurationError(
            f"bfloat16 is an option of OpenVINO, not of {request.runtime}.",
            field="bfloat16",
            value=request.runtime,
            limit="openvino",
            remedy="Add --runtime openvino, or leave --bfloat16 out.",
        )
    check_out(request.out)
    with photos_to_judge_by(request.photos, request.sample, progress) as photos:
        return _export(request, photos, progress, prepare)


def _export(
    request: ExportRequest,
    photos: Sequence[Path],
    progress: Progress,
    prepare: Callable[[Checkpoint], Checkpoint] | None,
) -> ExportReport:
    steps = progress.add_task("Loading the checkpoint", total=5)
    checkpoint = load_checkpoint(
        request.model, pooling=request.pooling, layers=request.layers, licence=request.licence, name=request.name
    )
    tower = load_text_tower(request.model, checkpoint) if request.text else None
    if prepare is not None:
        checkpoint = prepare(checkpoint)
    request.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=request.out.parent, prefix=".vitrine-export-") as temporary:
        made = Path(temporary) / "encoder"
        made.mkdir()
        file = made / ENCODER_FILE
        progress.update(steps, advance=1, description="Tracing with optimum")
        trace_graph(checkpoint, file)
        progress.update(steps, advance=1, description=f"Writing {request.precision}")
        calibration = calibration_batches(photos, checkpoint.preprocessing)
        if request.runtime == "openvino":
            size = refine_for_openvino(file, checkpoint.heads, calibration)
        else:
            size = refine_graph(file, request.precision, checkpoint.heads, calibration)
        if tower:
            size += write_text_tower(tower, made, request.precision)
        spec = EncoderSpec(
            source=checkpoint.source,
            architecture=checkpoint.family.model_type,
            pooling=checkpoint.pooling,
            precision=request.precision,
            runtime=request.runtime,
            bfloat16=request.bfloat16,
            layers=request.layers,
            dim=checkpoint.dim,
            licence=checkpoint.licence,
            preprocessing=checkpoint.preprocessing,
        )
        (made / SPEC_FILE).write_text(spec.model_dump_json(indent=2) + "\n", encoding="utf-8")
        progress.update(steps, advance=1, description="Judging")
        vectors = embed_both(partial(embed, checkpoint), made, photos, progress)
        parity = measure_parity(*vectors)
        check_parity(parity, request.precision)
        text = _judge_text(tower, made, vectors, request.precision) if tower else None
        progress.update(steps, advance=1, description="Timing")
        speed = measure_speed(checkpoint, made)
        move_into_place(made, request.out)
        progress.update(steps, advance=1, description="Written")
    return ExportReport(request.out, spec, size, parity, FLOORS[request.precision], speed, text)


def _check_precision(precision: Precision) -> None:
    if precision != "int8":
        raise ConfigurationError(
            f"The precision {precision} cannot be exported for OpenVINO.",
            field="precision",
            value=precision,
            limit="int8",
            remedy="Add --precision int8, or leave --runtime out.",
        )


def _judge_text(
    tower: TextTower,
    made: Path,
    photos: tuple[NDArray[np.float32], NDArray[np.float32]],
    precision: Precision,
) -> Parity:
    """Parity of the text tower in `made` with PyTorch, by the `photos` that each finds. Raises ParityTooLow."""
    encoder = TextEncoder(made)
    found = np.stack([encoder.encode(text) for text in TRIAL_TEXTS])
    parity = measure_text_parity(photos, (tower.embed(TRIAL_TEXTS), found))
    check_parity(parity, precision, "text tower")
    return parity


def check_out(out: Path) -> None:
    """Before minutes of work: a directory with something else in it is not ours to write to."""
    if out.exists() and not out.is_dir():
        raise ConfigurationError(f"{out} is a file.", field="out", value=str(out), remedy="Name a directory for --out.")
    if out.is_dir() and any(out.iterdir()) and not (out / SPEC_FILE).exists():
        raise ConfigurationError(
            f"{out} holds files that are no encoder.",
            field="out",
            value=str(out),
            remedy=f"Name a new or empty directory for --out, or one with a {SPEC_FILE} to replace.",
        )


def move_into_place(made: Path, out: Path) -> None:
    """One rename if `out` is new or empty. Beside other files (an earlier encoder's README) one rename a file.

    The graph goes last, so that no graph is read with the preprocessing of the one before for long.
    """
    if not out.exists() or not any(out.iterdir()):
        if out.exists():
            out.rmdir()
        made.rename(out)
        return
    graphs = (ENCODER_FILE, OPENVINO_FILE)
    for name in sorted(MODEL_FILES | TEXT_FILES, key=lambda name: name in graphs):
        if (made / name).exists():
            (made / name).replace(out / name)
        else:
            (out / name).unlink(missing_ok=True)
