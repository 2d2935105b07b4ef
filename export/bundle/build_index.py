"""Vectors and labels to an hnswlib file."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import hnswlib
import numpy as np

from export.photos.vector_blocks import release

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from rich.progress import Progress

_CHUNK = 1_000
MANY_LINKS = 16
FEW_LINKS = ((20_000, 8), (100_000, 12))
"""Up to how many vectors so few links are tried. A session's searches visit a third fewer vectors then. The more
vectors there are, the more links a search needs to get past all that a long session has seen."""


@dataclass(frozen=True)
class IndexParameters:
    """hnswlib's M and ef_construction; its own README's ranges are 5-48 and 100-2000."""

    m: int | None = None
    """None leaves it to `to_try`."""
    ef_construction: int = 200
    random_seed: int = 100

    @property
    def links(self) -> int:
        return MANY_LINKS if self.m is None else self.m

    def to_try(self, count: int) -> list[IndexParameters]:
        """Parameters for an index of `count` vectors, those that are searched fastest first."""
        few = [links for most, links in FEW_LINKS if count <= most][:1] if self.m is None else []
        return [replace(self, m=links) for links in (*few, self.links)]


def build_index(
    vectors: NDArray[np.float32],
    labels: Sequence[int] | NDArray[np.int64],
    parameters: IndexParameters,
    path: Path,
    progress: Progress,
    threads: int = -1,
) -> None:
    """Write an inner-product index of unit vectors (n, dim), added in the order of their labels.

    `vectors` may be a memory map: it is read in blocks. `threads` -1 means all cores; with more than one, the links
    differ between runs. Raises OSError if the disk is full.
    """
    index = hnswlib.Index(space="ip", dim=vectors.shape[1])
    index.init_index(
        max_elements=len(vectors),
        M=parameters.links,
        ef_construction=parameters.ef_construction,
        random_seed=parameters.random_seed,
    )
    all_labels = np.asarray(labels, dtype=np.int64)
    order = np.argsort(all_labels)
    task = progress.add_task("Building the index", total=len(vectors))
    for start in range(0, len(vectors), _CHUNK):
        chunk = order[start : start + _CHUNK]
        index.add_items(vectors[chunk], all_labels[chunk], num_threads=threads)
        release(vectors)
        progress.advance(task, len(chunk))
    _save(index, path)


def _save(index: hnswlib.Index, path: Path) -> None:
    """Save the index and check its size: hnswlib does not notice that the disk is full."""
    index.save_index(str(path))
    if path.stat().st_size != index.index_file_size():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
