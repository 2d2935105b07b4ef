"""A joined encoder on trial, against the PyTorch models of its parts."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from export.model.check_parity import JOINED_FLOORS, Parity, check_joined
from export.model.checkpoint import load_checkpoint
from export.model.export_model import DEFAULT_SAMPLE, ExportReport
from export.model.join import join_encoders
from export.model.parity_trial import judge
from export.model.quiet import require_export_extra
from export.model.reference import embed
from export.model.trial_photos import photos_to_judge_by
from handler.model_files import MODEL_FILES
from handler.photos.encoder import SPEC_FILE, EncoderSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL import Image
    from rich.progress import Progress

    Embed = Callable[[Sequence[Image.Image]], NDArray[np.float32]]


def join_and_judge(
    directories: Sequence[Path],
    models: Sequence[str],
    out: Path,
    weights: Sequence[float],
    progress: Progress,
    *,
    name: str | None = None,
    photos: Path | None = None,
    sample: int = DEFAULT_SAMPLE,
) -> ExportReport:
    """`join_encoders`, and parity with PyTorch on `photos` (None: drawn ones) before anything is written to `out`.

    `models` are the checkpoints (hub ids or directories) that `directories` were exported from, in the same order.
    Raises what `join_encoders`, `load_checkpoint` and `judge` raise, and ParityTooLow below JOINED_FLOORS.
    """
    require_export_extra()
    parts = [
        _part(model, EncoderSpec.read(directory / SPEC_FILE))
        for model, directory in zip(models, directories, strict=True)
    ]
    found: list[Parity] = []
    with photos_to_judge_by(photos, sample, progress) as chosen:

        def check(made: Path) -> None:
            found.append(judge(beside(parts, weights), made, chosen, progress))
            check_joined(found[0])

        spec = join_encoders(directories, out, weights, name=name, check=check)
    size = sum((out / file).stat().st_size for file in MODEL_FILES - {SPEC_FILE} if (out / file).exists())
    return ExportReport(out, spec, size, found[0], JOINED_FLOORS, speed=None)


def beside(parts: Sequence[Embed], weights: Sequence[float]) -> Embed:
    """The vectors of `parts`, of lengths `weights`, side by side, and of length 1 together."""

    def joined(images: Sequence[Image.Image]) -> NDArray[np.float32]:
        vectors = [weight * part(images) for part, weight in zip(parts, weights, strict=True)]
        return np.asarray(np.hstack(vectors) / np.linalg.norm(weights), dtype=np.float32)

    return joined


def _part(model: str, spec: EncoderSpec) -> Embed:
    return partial(embed, load_checkpoint(model, pooling=spec.pooling, layers=spec.layers))
