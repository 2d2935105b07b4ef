"""Zero-copy access to the vectors in a saved hnswlib index.

hnswlib's own `get_items` copies through Python lists (about 8 us a vector); a memory map of the file costs nothing and
shares the page cache. The layout is `HierarchicalNSW::saveIndex` of hnswlib 0.8.0 (hnswalg.h): a header of thirteen
packed fields, then one record an element: links on layer 0, vector, label. Every size in the header is checked
against the manifest and the file before it is used; `check_graph` checks the rest of the content.

The kernel kills a process that reads a mapped file beyond its end. So a served file must never be cut or rewritten in
place: replace it by renaming, as every store here does.
"""

from __future__ import annotations

import errno
import math
import mmap
import os
import struct
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import hnswlib
import numpy as np

from handler.errors import BundleCorrupt, ConfigurationError
from handler.manifest import IndexInfo, Recall

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

# size_t, except for maxlevel (int), enterpoint_node (unsigned) and mult (double)
_LAYOUT = struct.Struct("<6QiI3QdQ")
_LABEL_BYTES = 8
BLOCK = 4_096
"""Elements per block: 7 MB at 384 dimensions."""


class Header(NamedTuple):
    """The fields of the file's header, in their order."""

    offset_level0: int
    max_elements: int
    cur_element_count: int
    size_data_per_element: int
    label_offset: int
    data_offset: int
    maxlevel: int
    enterpoint_node: int
    max_m: int
    max_m0: int
    m: int
    mult: float
    ef_construction: int

    @classmethod
    def of(cls, info: IndexInfo) -> Header:
        """The header of the index that `info` describes; the two fields that depend on its vectors are 0."""
        links = 4 * (1 + 2 * info.m)
        vectors_end = links + 4 * info.dim
        return cls(
            0,
            info.count,
            info.count,
            vectors_end + _LABEL_BYTES,
            vectors_end,
            links,
            0,
            0,
            info.m,
            2 * info.m,
            info.m,
            1 / math.log(info.m),
            max(info.m, info.ef_construction),
        )


class HnswFile:
    """Zero-copy view of an index file of n elements, in the file's own order.

    `rows` (n, dim) float32 are the vectors and `labels` (n,) int64 their labels. `links` (n, 1 + 2M) uint32 are the
    links on layer 0, each row's count first. `upper` (words,) uint32 holds the layers above.
    """

    def __init__(self, path: Path, info: IndexInfo) -> None:
        """Raises BundleCorrupt if the header disagrees with `info` or with the file's length."""
        self.path = path
        with path.open("rb") as file:
            start = file.read(_LAYOUT.size)
        if len(start) < _LAYOUT.size:
            raise BundleCorrupt(f"{path} ends inside its header.")
        self.header = Header(*_LAYOUT.unpack(start))
        self._check_header(Header.of(info))
        count, record = info.count, self.header.size_data_per_element
        size = path.stat().st_size - _LAYOUT.size
        if size < count * record:
            raise BundleCorrupt(f"{path} ends before its last element.")
        if size % 4:
            raise BundleCorrupt(f"{path} ends inside its upper layers.")
        mapped = np.memmap(path, dtype=np.uint8, mode="r", offset=_LAYOUT.size, shape=(size,))
        content = mapped.view(np.ndarray)  # slicing a memmap itself costs microseconds every time
        records = content[: count * record].reshape(count, record)
        data, label = self.header.data_offset, self.header.label_offset
        self.links: NDArray[np.uint32] = records[:, :data].view(np.uint32)
        self.rows: NDArray[np.float32] = records[:, data:label].view(np.float32)
        self.upper: NDArray[np.uint32] = content[count * record :].view(np.uint32)
        self._mapping: object = mapped.base
        self.labels: NDArray[np.int64] = np.empty(count, dtype=np.int64)
        for part in self.blocks():
            self.labels[part] = np.ascontiguousarray(records[part, label:]).view(np.int64).ravel()

    def blocks(self) -> Iterator[slice]:
        """Consecutive slices of the elements; the pages read for one are released before the next is yielded."""
        for start in range(0, self.header.cur_element_count, BLOCK):
            yield slice(start, start + BLOCK)
            self.release()

    def release(self) -> None:
        """Let go of the pages that were read; searches need few of them."""
        if isinstance(self._mapping, mmap.mmap):
            self._mapping.madvise(mmap.MADV_DONTNEED)

    def _check_header(self, expected: Header) -> None:
        found = self.header
        expected = expected._replace(maxlevel=found.maxlevel, enterpoint_node=found.enterpoint_node)
        for name, value, wanted in zip(Header._fields, found, expected, strict=True):
            if not (value == wanted or (name == "mult" and math.isclose(value, wanted))):
                raise BundleCorrupt(
                    f"{self.path} has {name}={value} in its header; its manifest says {wanted}.",
                    field=name,
                    value=value,
                    limit=wanted,
                    remedy="Run `vitrine index` again, or `vitrine rollback`.",
                )
        if found.enterpoint_node >= found.cur_element_count:
            raise BundleCorrupt(
                f"{self.path} starts its search at element {found.enterpoint_node} of {found.cur_element_count}.",
                field="enterpoint_node",
                value=found.enterpoint_node,
                limit=found.cur_element_count - 1,
                remedy="Run `vitrine index` again, or `vitrine rollback`.",
            )


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
