"""Fine-tuning a checkpoint to a shop's photos: its last blocks trained, and kept only if held-out photos gain."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from export.bundle.fit_projection import fit_projection
from export.finetune.frozen_views import VIEWS, FrozenViews
from export.finetune.hold_out import MIN_PHOTOS, HeldOut, hold_out
from export.finetune.measure_gain import Gain, measure
from export.finetune.split_model import SplitModel
from export.finetune.train import LEARNING_RATE, PHOTOS_A_STEP, train
from export.photos.read_catalog import read_catalog
from handler.errors import CatalogError, ConfigurationError, FineTuningUseless

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from rich.progress import Progress

    from export.model.checkpoint import Checkpoint

EPOCHS = 5
_RUN_FILE = "run"
_BATCH = 16


@dataclass(frozen=True)
class FineTuning:
    """What to train on, and where the run keeps what a killed one resumes from."""

    photos: Path
    """Directory or product table."""
    directory: Path
    """Gigabytes of intermediate vectors; created, and for `finish` to delete."""
    by: str | None = None
    """The field whose values are kinds. None: every photo is alike only to itself."""
    epochs: int = EPOCHS

    def finish(self) -> None:
        """Delete what a killed run would have resumed from."""
        shutil.rmtree(self.directory, ignore_errors=True)


def tune_checkpoint(checkpoint: Checkpoint, wanted: FineTuning, progress: Progress) -> tuple[Checkpoint, Gain]:
    """Train `checkpoint`'s last blocks in place and return it under a new name, with what held-out photos gained.

    Raises FineTuningUseless if they gained nothing (the run's files are deleted then), CatalogError for photos or a
    field that cannot be used, ConfigurationError for a directory of another run or a full disk, ModelUnsupported for a
    model of too few blocks.
    """
    catalog = read_catalog(wanted.photos)
    held_out = hold_out(catalog.rows, wanted.by)
    paths = [catalog.path_of(row) for row in catalog.rows]
    split = SplitModel(checkpoint)
    _claim(wanted, _identity(checkpoint, wanted, paths))
    views = FrozenViews(wanted.directory, paths, split, checkpoint.preprocessing)
    views.fill(held_out.trained, progress)
    held_out = held_out.without(views.unreadable)
    _check_readable(held_out, wanted)
    photos, seen_again = _embed_all(split, views, held_out, progress)
    before = measure(photos, seen_again, held_out)
    train(split, views, held_out, _compared(photos[held_out.trained]), wanted.epochs, wanted.directory, progress)
    gain = Gain(before, measure(*_embed_all(split, views, held_out, progress), held_out))
    if not gain.wins:
        wanted.finish()
        raise FineTuningUseless(
            f"Fine-tuning gains nothing on held-out photos: {describe(gain)}. Nothing was written.",
            field="finetune",
            value=describe(gain),
            remedy="Export without --finetune, or pass more photos, another --by or more --epochs.",
        )
    return replace(checkpoint, source=f"{checkpoint.source}, fine-tuned"), gain


def describe(gain: Gain) -> str:
    """The figures before and after, for people."""
    pairs = (
        ("of the same kind", gain.before.same_kind, gain.after.same_kind),
        ("of the same kind, for kinds held out", gain.before.same_new_kind, gain.after.same_new_kind),
        ("the same photo found again", gain.before.same_photo, gain.after.same_photo),
    )
    return "; ".join(f"{what} {before:.3f}, then {after:.3f}" for what, before, after in pairs if before is not None)


def _compared(photos: NDArray[np.float32]) -> Any:
    """Embeddings -> what a bundle compares: through the projection that the untrained model's vectors get."""
    import torch

    projection = fit_projection(photos)
    if projection is None:
        raise CatalogError(
            "The photos all look the same to this checkpoint.", field="finetune", remedy="Pass photos that differ."
        )
    center, matrix = torch.from_numpy(projection.center), torch.from_numpy(projection.matrix)
    unit = torch.nn.functional.normalize
    return lambda embeddings: unit((unit(embeddings, dim=1) - center) @ matrix.T, dim=1)


def _embed_all(
    split: SplitModel, views: FrozenViews, held_out: HeldOut, progress: Progress
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Unit vectors (n, dim) of all photos, and of a view of those that are held out; other rows are zero."""
    import torch

    unseen = np.concatenate([held_out.photos, held_out.of_new_kinds])
    everyone = np.concatenate([held_out.trained, unseen])
    found: list[NDArray[np.float32]] = []
    task = progress.add_task("Measuring", total=len(everyone) + len(unseen))
    for view, places in enumerate((everyone, unseen)):
        vectors = np.zeros((len(held_out.kinds), 0), dtype=np.float32)
        for start in range(0, len(places), _BATCH):
            batch = places[start : start + _BATCH]
            with torch.no_grad():
                embeddings = split.embed(torch.from_numpy(views.read(batch, view)))
            if not vectors.size:
                vectors = np.zeros((len(held_out.kinds), embeddings.shape[1]), dtype=np.float32)
            vectors[batch] = torch.nn.functional.normalize(embeddings, dim=1).numpy()
            progress.advance(task, len(batch))
        found.append(vectors)
    return found[0], found[1]


def _check_readable(held_out: HeldOut, wanted: FineTuning) -> None:
    readable = sum(map(len, (held_out.trained, held_out.photos, held_out.of_new_kinds)))
    if readable < MIN_PHOTOS:
        wanted.finish()
        raise CatalogError(
            f"Only {readable} of the {len(held_out.kinds)} photos can be read.",
            field="finetune",
            value=readable,
            limit=MIN_PHOTOS,
            remedy=f"Pass at least {MIN_PHOTOS} JPEG, PNG or WebP photos.",
        )


def _claim(wanted: FineTuning, identity: str) -> None:
    """Make the run's directory, or go on in it. Raises ConfigurationError if it is that of another run."""
    mark = wanted.directory / _RUN_FILE
    if not wanted.directory.exists():
        wanted.directory.mkdir(parents=True)
        mark.write_text(identity, encoding="utf-8")
    elif not mark.exists() or mark.read_text(encoding="utf-8") != identity:
        raise ConfigurationError(
            f"{wanted.directory} belongs to a run with another checkpoint, other photos or other options.",
            field="out",
            value=str(wanted.directory),
            remedy="Repeat that run's command to resume it, or delete the directory.",
        )


def _identity(checkpoint: Checkpoint, wanted: FineTuning, paths: Sequence[Path]) -> str:
    """A digest of everything that decides the trained weights."""
    hasher = hashlib.sha256()
    constants = (VIEWS, PHOTOS_A_STEP, LEARNING_RATE)
    hasher.update(f"{checkpoint.pooling} {wanted.by} {wanted.epochs} {constants}\n".encode())
    hasher.update(checkpoint.preprocessing.model_dump_json().encode())
    for name, tensor in checkpoint.model.state_dict().items():
        hasher.update(f"{name} {tuple(tensor.shape)}\n".encode())
        hasher.update(tensor.numpy().tobytes())
    for path in paths:
        hasher.update(f"{path} {path.stat().st_size}\n".encode())
    return hasher.hexdigest()
