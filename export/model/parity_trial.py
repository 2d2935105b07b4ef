"""An exported directory on trial: the same photos through PyTorch and through the files, as a handler uses them."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from export.model import reference
from export.model.check_parity import Parity, measure_parity
from handler.errors import ConfigurationError, ImageError
from handler.photos.cores import available_cores
from handler.photos.encoder import Encoder
from handler.photos.images import decode, preprocess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL import Image
    from rich.progress import Progress

    from export.model.checkpoint import Checkpoint
    from handler.photos.images import Preprocessing

_BATCH = 8
_CALIBRATION = 32
"""Photos that int8's ranges are taken from; they shape a few hundred scales, too few to learn the photos by heart."""


@dataclass(frozen=True)
class Speed:
    """Milliseconds for one picture, one at a time, on one thread; best of a few, preprocessing not counted."""

    torch_ms: float
    onnx_ms: float


def embed_both(
    embed: Callable[[Sequence[Image.Image]], NDArray[np.float32]],
    directory: Path,
    photos: Sequence[Path],
    progress: Progress,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Unit vectors (n, dim) of `photos` by `embed`, which is PyTorch's (see reference), and by `directory`'s encoder.

    Each side does its own preprocessing. Each core compares photos of its own on one thread. Photos that do not decode
    are left out. Raises ConfigurationError if none remain, BundleCorrupt if the files do not open.
    """
    encoder = Encoder(directory, threads=1)
    task = progress.add_task("Comparing with PyTorch", total=len(photos))

    def compare(batch: Sequence[Path]) -> tuple[int, tuple[NDArray[np.float32], NDArray[np.float32]] | None]:
        images = [image for image in map(_read, batch) if image is not None]
        return len(batch), (embed(images), _embed(encoder, images)) if images else None

    batches = [photos[start : start + _BATCH] for start in range(0, len(photos), _BATCH)]
    vectors = []
    cores = available_cores()
    with reference.one_thread(), ThreadPoolExecutor(cores, initializer=reference.use_one_thread) as pool:
        for count, pair in pool.map(compare, batches):
            vectors += [] if pair is None else [pair]
            progress.advance(task, count)
    if not vectors:
        raise ConfigurationError(
            f"None of the {len(photos)} photos can be read.",
            field="photos",
            remedy="Pass --photos with JPEG or PNG files.",
        )
    truth, found = zip(*vectors, strict=True)
    return np.concatenate(truth), np.concatenate(found)


def judge(
    embed: Callable[[Sequence[Image.Image]], NDArray[np.float32]],
    directory: Path,
    photos: Sequence[Path],
    progress: Progress,
) -> Parity:
    """Parity of `directory`'s encoder with `embed` on `photos`; see `embed_both`."""
    return measure_parity(*embed_both(embed, directory, photos, progress))


def calibration_batches(photos: Sequence[Path], how: Preprocessing) -> Iterator[NDArray[np.float32]]:
    """Some of `photos`, evenly spread, preprocessed, one a batch: float32 (1, 3, height, width)."""
    return preprocessed(photos[:: max(1, len(photos) // _CALIBRATION)], how)


def preprocessed(photos: Sequence[Path], how: Preprocessing) -> Iterator[NDArray[np.float32]]:
    """Those of `photos` that decode, one a batch: float32 (1, 3, height, width)."""
    for path in photos:
        image = _read(path)
        if image is not None:
            yield preprocess(image, how)[None]


def measure_speed(checkpoint: Checkpoint, directory: Path, *, repeats: int = 5) -> Speed:
    """Time both sides one after the other on this machine, so that at least their ratio means something."""
    encoder = Encoder(directory, threads=1)
    pixels = np.zeros((1, 3, *encoder.spec.preprocessing.input_size), dtype=np.float32)
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        encoder.encode(pixels)
        times.append(time.perf_counter() - start)
    torch_seconds = reference.seconds_per_image(checkpoint, repeats=repeats)
    return Speed(torch_ms=1000 * torch_seconds, onnx_ms=1000 * min(times[1:]))


def _embed(encoder: Encoder, images: Sequence[Image.Image]) -> NDArray[np.float32]:
    return encoder.encode(np.stack([preprocess(image, encoder.spec.preprocessing) for image in images]))


def _read(path: Path) -> Image.Image | None:
    try:
        return decode(path.read_bytes())
    except (ImageError, OSError):
        return None
