"""What the frozen blocks make of each photo and of a few views of it, computed once and kept on disk."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

import numpy as np

from export.finetune.draw_view import draw_view
from handler.errors import ConfigurationError, ImageError
from handler.photos.images import decode, preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL import Image
    from rich.progress import Progress

    from export.finetune.split_model import SplitModel
    from handler.photos.images import Preprocessing

VIEWS: Final = 3
"""View 0 is the photo itself, the others are random. More teach more, and take time and disk in proportion."""
HELD_OUT_VIEWS: Final = 2
"""Of a photo that is not trained on: the photo, and a view that has to find it again."""
_TODO, _DONE, _UNREADABLE = 0, 1, 2


class FrozenViews:
    """The tokens (photos, VIEWS, tokens, hidden) in half precision, in a file that survives a killed run."""

    def __init__(self, directory: Path, paths: Sequence[Path], split: SplitModel, preprocessing: Preprocessing) -> None:
        """Open or create the files in `directory`. Raises ConfigurationError if the disk is too small for them."""
        import torch

        self._paths, self._split, self._preprocessing = paths, split, preprocessing
        blank = split.freeze(torch.zeros(1, 3, *preprocessing.input_size))
        shape = (len(paths), VIEWS, *blank.shape[1:])
        file, done = directory / "views.npy", directory / "done.npy"
        if not done.exists():
            _check_room(directory, 2 * int(np.prod(shape)))
            # A sparse file: views that no one computes take no room.
            np.lib.format.open_memmap(file, mode="w+", dtype=np.float16, shape=shape).flush()
            np.lib.format.open_memmap(done, mode="w+", dtype=np.uint8, shape=(len(paths),)).flush()
        self._tokens = np.lib.format.open_memmap(file, mode="r+")
        self._done = np.lib.format.open_memmap(done, mode="r+")

    @property
    def unreadable(self) -> NDArray[np.bool_]:
        """(photos,): which photos could not be decoded."""
        return np.asarray(self._done == _UNREADABLE)

    def fill(self, trained: NDArray[np.int64], progress: Progress) -> None:
        """Compute what is not there yet: VIEWS of the photos at `trained`, HELD_OUT_VIEWS of the others."""
        counts = np.full(len(self._paths), HELD_OUT_VIEWS)
        counts[trained] = VIEWS
        task = progress.add_task("Frozen blocks", total=len(counts), completed=int(np.count_nonzero(self._done)))
        for place in np.flatnonzero(self._done == _TODO).tolist():
            try:
                photo = decode(self._paths[place].read_bytes())
            except (ImageError, OSError):
                self._done[place] = _UNREADABLE
            else:
                self._tokens[place, : counts[place]] = self._freeze(photo, place, int(counts[place]))
                self._done[place] = _DONE
            progress.advance(task)

    def read(self, places: NDArray[np.int64], views: NDArray[np.int64] | int) -> NDArray[np.float32]:
        """The tokens (n, tokens, hidden) of view `views` (n,) of each photo at `places` (n,)."""
        tokens: NDArray[np.float32] = self._tokens[places, views].astype(np.float32)
        return tokens

    def _freeze(self, photo: Image.Image, place: int, count: int) -> NDArray[np.float16]:
        import torch

        drawn = [photo, *(draw_view(photo, np.random.default_rng([place, view])) for view in range(1, count))]
        pixels = np.stack([preprocess(view, self._preprocessing) for view in drawn])
        tokens: NDArray[np.float16] = self._split.freeze(torch.from_numpy(pixels)).numpy().astype(np.float16)
        return tokens


def _check_room(directory: Path, needed: int) -> None:
    free = shutil.disk_usage(directory).free
    if needed > free:
        raise ConfigurationError(
            f"{directory} has room for {free / 1e9:.1f} GB; the views of the photos take up to {needed / 1e9:.1f} GB.",
            field="out",
            value=free,
            limit=needed,
            remedy="Free some room, choose --out on another disk, or pass fewer photos.",
        )
