"""Index files of unit vectors (n, dim) with the labels 0 to n-1, by library and by how a number is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from handler.manifest import IndexInfo

    Search = Callable[[NDArray[np.float32], int], list[int]]
    """Query (dim,) and count to labels, best first."""

Mode = Literal["load", "view"]
"""Copy the file into memory, or map it and read what a search visits."""

_INT8_MAX = 127


class Kind(NamedTuple):
    """One way to store vectors."""

    library: Literal["hnswlib", "usearch"]
    number: Literal["f32", "f16", "i8"]
    modes: tuple[Mode, ...]
    scaled: bool = False
    """int8 only: divide the largest number of the catalog's vectors to 127. The library itself divides a vector's
    length to 127, which leaves a number of a unit vector with 384 dimensions some 30 values."""


KINDS: Mapping[str, Kind] = {
    "hnswlib f32": Kind("hnswlib", "f32", ("load",)),
    "usearch f32": Kind("usearch", "f32", ("load", "view")),
    "usearch f16": Kind("usearch", "f16", ("load", "view")),
    "usearch i8": Kind("usearch", "i8", ("load", "view")),
    "usearch i8 scaled": Kind("usearch", "i8", ("load", "view"), scaled=True),
}


def build_file(kind: Kind, vectors: NDArray[np.float32], info: IndexInfo, path: Path) -> None:
    """Write the index of `vectors` with the links that `info` names, on all cores."""
    if kind.library == "hnswlib":
        from rich.progress import Progress

        from export.bundle.build_index import IndexParameters, build_index

        parameters = IndexParameters(info.m, info.ef_construction)
        build_index(vectors, range(len(vectors)), parameters, path, Progress(disable=True))
        return
    from usearch.index import Index

    index = Index(
        ndim=info.dim,
        metric="ip",
        dtype=kind.number,
        connectivity=info.m,
        expansion_add=info.ef_construction,
    )
    index.add(np.arange(len(vectors)), _codes(vectors, largest(vectors)) if kind.scaled else vectors)
    index.save(str(path))


def open_file(kind: Kind, mode: Mode, path: Path, info: IndexInfo, limit: float) -> Search:
    """Open an index for searches that keep `info.ef` candidates; `limit` is `largest` of its vectors."""
    if kind.library == "hnswlib":
        from handler.products.neighbors import HnswIndex

        ours = HnswIndex(path, info)
        ours.load()
        return lambda query, count: ours.search_graph(query, count)[0]
    from usearch.index import Index

    index: Any = Index.restore(str(path), view=mode == "view")
    index.expansion_search = info.ef

    def search(query: NDArray[np.float32], count: int) -> list[int]:
        asked = _codes(query / np.linalg.norm(query), limit) if kind.scaled else query
        labels: list[int] = index.search(asked, count, threads=1).keys.tolist()
        return labels

    return search


def largest(vectors: NDArray[np.float32]) -> float:
    return float(max(vectors.max(), -vectors.min()))


def _codes(vectors: NDArray[np.float32], limit: float) -> NDArray[np.int8]:
    """Numbers between -limit and limit as int8; a query's may lie beyond and are cut."""
    scaled = np.rint(vectors * np.float32(_INT8_MAX / limit))
    codes: NDArray[np.int8] = np.clip(scaled, -_INT8_MAX, _INT8_MAX).astype(np.int8)
    return codes
