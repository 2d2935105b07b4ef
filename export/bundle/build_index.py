"""Vectors and labels to an hnswlib file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import hnswlib
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from rich.progress import Progress

_CHUNK = 1_000


@dataclass(frozen=True)
class IndexParameters:
    """hnswlib's M and ef_construction; its own README's ranges are 5-48 and 100-2000."""

    m: int = 16
    ef_construction: int = 200
    random_seed: int = 100


def build_index(
    vectors: NDArray[np.float32],
    labels: Sequence[int],
    parameters: IndexParameters,
    path: Path,
    progress: Progress,
    threads: int = -1,
) -> None:
    """Write an inner-product index over unit vectors (n, dim); `threads` -1 means all cores.

    With more than one thread the links depend on how the threads take turns: recall is what is checked, not bytes.
    """
    index = hnswlib.Index(space="ip", dim=vectors.shape[1])
    index.init_index(
        max_elements=len(vectors),
        M=parameters.m,
        ef_construction=parameters.ef_construction,
        random_seed=parameters.random_seed,
    )
    task = progress.add_task("Building the index", total=len(vectors))
    for start in range(0, len(vectors), _CHUNK):
        chunk = vectors[start : start + _CHUNK]
        index.add_items(chunk, np.asarray(labels[start : start + _CHUNK]), num_threads=threads)
        progress.advance(task, len(chunk))
    index.save_index(str(path))
