"""Zero-copy access to the vectors in a saved hnswlib index.

hnswlib's own `get_items` copies through Python lists (about 8 us a vector); a memory map of the file costs nothing and
shares the page cache. The layout is `HierarchicalNSW::saveIndex` of hnswlib 0.8.0 (hnswalg.h): a header of thirteen
packed fields, then one record an element: links on layer 0, vector, label. Every size in the header is checked
against the manifest and the file before it is used.
"""

from __future__ import annotations

import errno
import mmap
import os
import struct
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import hnswlib
import numpy as np

from handler.errors import BundleCorrupt, ConfigurationError
from handler.manifest import IndexInfo, Recall

if TYPE_CHECKING:
    from numpy.typing import NDArray

# offsetLevel0, max_elements, cur_element_count, size_data_per_element, label_offset, offsetData (size_t each),
# maxlevel (int), enterpoint_node (unsigned), maxM, maxM0, M (size_t each), mult (double), ef_construction (size_t)
_HEADER = struct.Struct("<6QiI3QdQ")
_LABEL_BYTES = 8


class HnswFile:
    """Zero-copy view of an index file: `rows` (n, dim) float32 and `labels` (n,) in the file's own order."""

    def __init__(self, path: Path, info: IndexInfo) -> None:
        """Raises BundleCorrupt if the header disagrees with `info` or with the file's length."""
        with path.open("rb") as file:
            header = file.read(_HEADER.size)
        if len(header) < _HEADER.size:
            raise BundleCorrupt(f"{path} ends inside its header.")
        (_, _, count, record, label_offset, data_offset, _, _, _, max_m0, m, _, _) = _HEADER.unpack(header)
        links = max_m0 * 4 + 4
        expected = (info.count, info.m, 2 * info.m, links, links + 4 * info.dim, links + 4 * info.dim + _LABEL_BYTES)
        if (count, m, max_m0, data_offset, label_offset, record) != expected:
            raise BundleCorrupt(
                f"{path} holds {count} elements of {record} bytes with M={m}; "
                f"its manifest says {info.count} of {expected[-1]} with M={info.m}."
            )
        if path.stat().st_size < _HEADER.size + count * record:
            raise BundleCorrupt(f"{path} ends before its last element.")
        mapped = np.memmap(path, dtype=np.uint8, mode="r", offset=_HEADER.size, shape=(count, record))
        records = mapped.view(np.ndarray)  # slicing a memmap itself costs microseconds every time
        self.rows: NDArray[np.float32] = records[:, data_offset:label_offset].view(np.float32)
        self.labels: NDArray[np.int64] = np.ascontiguousarray(records[:, label_offset:]).view(np.int64).ravel()
        # Reading the labels has made the whole file resident; searches need few of its pages.
        mapping: object = mapped.base
        if isinstance(mapping, mmap.mmap):
            mapping.madvise(mmap.MADV_DONTNEED)


@cache
def check_layout() -> None:
    """Read back an index of three vectors that the installed hnswlib saves; takes about 1 ms, once per process.

    Raises ConfigurationError if the vectors or labels differ: HnswFile would serve wrong vectors without noticing.
    Raises OSError if the temporary directory is full.
    """
    vectors = np.array([[1, 2], [3, 4], [5, 6]], dtype=np.float32)
    labels = np.array([9, 4, 7])
    info = IndexInfo(dim=2, count=3, m=2, ef_construction=10, ef=10, recall=Recall(k=1, queries=1, value=1))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "probe"
        graph = hnswlib.Index(space=info.space, dim=info.dim)
        graph.init_index(info.count, M=info.m, ef_construction=info.ef_construction)
        graph.add_items(vectors, labels, num_threads=1)
        graph.save_index(str(path))
        if path.stat().st_size == 0:  # the disk is full, which hnswlib does not notice
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), folder)
        try:
            file = HnswFile(path, info)
            same = np.array_equal(file.rows, vectors) and np.array_equal(file.labels, labels)
        except BundleCorrupt:
            same = False
    if not same:
        raise ConfigurationError(
            "The installed hnswlib saves an index in a layout other than that of hnswlib 0.8.",
            remedy="Install the version in requirements.lock: hnswlib>=0.8,<0.9.",
        )
