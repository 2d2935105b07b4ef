"""A checkpoint, fine-tuned and then exported through the same gate as any other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from export.finetune.tune_checkpoint import tune_checkpoint
from export.model.export_model import export_model

if TYPE_CHECKING:
    from rich.progress import Progress

    from export.finetune.measure_gain import Gain
    from export.finetune.tune_checkpoint import FineTuning
    from export.model.checkpoint import Checkpoint
    from export.model.export_model import ExportReport, ExportRequest


def export_tuned(request: ExportRequest, wanted: FineTuning, progress: Progress) -> tuple[ExportReport, Gain]:
    """Fine-tune as `wanted` and export as `request`, judged on the photos of `wanted` if it names none.

    Raises what `tune_checkpoint` and `export_model` raise. `wanted.directory` stays if the export fails after the
    training, so that another precision can be tried at once.
    """
    gains: list[Gain] = []

    def prepare(checkpoint: Checkpoint) -> Checkpoint:
        tuned, gain = tune_checkpoint(checkpoint, wanted, progress)
        gains.append(gain)
        return tuned

    report = export_model(replace(request, photos=request.photos or wanted.photos), progress, prepare)
    wanted.finish()
    return report, gains[0]
