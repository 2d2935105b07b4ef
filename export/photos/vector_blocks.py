"""A catalog's vectors in a file, processed in blocks, so that memory does not grow with the catalog."""

from __future__ import annotations

import mmap
import os
import sys
import tempfile
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

BLOCK = 4_096
"""Rows per block: 6 MB at 384 dimensions."""


def new_vectors(count: int, dim: int) -> NDArray[np.float32]:
    """A writable float32 array (count, dim) of zeros in a temporary file, which is deleted when the array is.

    The file takes 4 bytes per number below TMPDIR, all reserved now: writing to a page for which the disk has no room
    left would kill the process. Raises OSError, naming the directory, if there is no room.
    """
    if count == 0:
        return np.zeros((0, dim), dtype=np.float32)  # an empty file cannot be mapped
    with tempfile.TemporaryFile(prefix="vitrine-vectors-") as file:
        try:
            if sys.platform == "darwin":  # has no such call, nor sparse files by default
                file.truncate(4 * count * dim)
            else:
                os.posix_fallocate(file.fileno(), 0, 4 * count * dim)
        except OSError as error:
            raise OSError(error.errno, error.strerror, tempfile.gettempdir()) from error
        return np.memmap(file, dtype=np.float32, mode="w+", shape=(count, dim))


def blocks(vectors: NDArray[np.float32]) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Consecutive blocks of rows with their slices; each block's memory is released before the next is yielded."""
    for start in range(0, len(vectors), BLOCK):
        rows = slice(start, min(start + BLOCK, len(vectors)))
        yield rows, vectors[rows]
        release(vectors)


def release(vectors: NDArray[np.float32]) -> None:
    """Give a memory map's resident pages back to the system, which reads them again on access; others are untouched.

    No data is lost: the mapping is shared with its file. A private (copy-on-write) map would lose its changes, so
    this leaves those alone.
    """
    base: object = vectors
    while isinstance(base, np.ndarray):
        if isinstance(base, np.memmap) and base.mode == "c":
            return
        base = base.base
    if isinstance(base, mmap.mmap):
        base.madvise(mmap.MADV_DONTNEED)
