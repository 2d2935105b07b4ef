"""Checks on a saved hnswlib graph, before native code follows what it says.

hnswlib 0.8 takes levels, link counts and ids from a file as they are, and reads or writes out of bounds where they are
wrong (hnswlib#673). A digest proves that a file is the one its publisher wrote, not that hnswlib wrote it. These checks
cover everything that `loadIndex` and `searchKnn` of hnswalg.h rely on.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple, NoReturn

import numpy as np

from handler.errors import BundleCorrupt

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from handler.products.hnsw_file import HnswFile

LENGTH_TOLERANCE = 1e-3
"""Of a vector's squared length. float32 rounding causes 1e-6."""


def check_graph(file: HnswFile) -> None:
    """Raise BundleCorrupt unless every link, level, label and vector of `file` is one that hnswlib could have saved.

    Reads the whole file once, in blocks, and the upper layers, which hold one element in M.
    """
    _check_layer_0(file)
    _check_labels(file)
    upper = _read_upper_layers(file)
    _check_start(file, upper.levels)
    _check_links(file, upper)


def _check_layer_0(file: HnswFile) -> None:
    """Check the links of layer 0 and the vectors' lengths. Unused slots hold 0 or an earlier link, so all are ids."""
    count, m_max0 = file.header.cur_element_count, file.header.max_m0
    for part in file.blocks():
        start, links, rows = part.start, file.links[part], file.rows[part]
        # Of four bytes, two count the links and one marks a deleted element; none is ever deleted.
        _refuse_where(file, links[:, 0] > m_max0, start, f"has more than {m_max0} links on layer 0, or is deleted")
        _refuse_where(
            file, links[:, 1:].max(axis=1) >= count, start, f"has a link on layer 0 beyond the {count} elements"
        )
        with np.errstate(over="ignore", invalid="ignore"):
            squares = np.vecdot(rows, rows)
        # NaN compares false. A vector at a projection's center becomes zero.
        sound = (np.abs(squares - 1) <= LENGTH_TOLERANCE) | (squares == 0)
        _refuse_where(file, ~sound, start, "has a vector that is not of length 1")


def _check_labels(file: HnswFile) -> None:
    ordered = np.sort(file.labels)
    if ordered[0] < 0:
        _refuse(file, f"it has the label {ordered[0]}, which is negative")
    repeated = np.flatnonzero(ordered[1:] == ordered[:-1])
    if len(repeated):
        _refuse(file, f"{len(repeated)} of its labels repeat, among them {ordered[repeated[0]]}")


class UpperLayers(NamedTuple):
    """The layers above 0. Each list of links has an element, a layer, and its links (1 + M), their count first."""

    levels: NDArray[np.int64]
    """The highest layer of each element (n,)."""
    elements: NDArray[np.int64]
    layers: NDArray[np.int64]
    lists: NDArray[np.uint32]


def _read_upper_layers(file: HnswFile) -> UpperLayers:
    """Walk the upper layers: for every element their size in bytes, 0 for most, and then one list for each layer."""
    words, width = file.upper, file.header.max_m + 1
    count, size = file.header.cur_element_count, len(words)
    high: list[tuple[int, int, int]] = []
    # Between elements with upper layers there are only zeros: jump from one to the next.
    ahead = np.flatnonzero(words).tolist()
    position, element, place = 0, 0, 0
    while (place := bisect_left(ahead, position, place)) < len(ahead):
        element += ahead[place] - position
        position = ahead[place]
        level, rest = divmod(int(words[position]), 4 * width)
        if element >= count or rest or position + level * width >= size:
            _refuse(file, f"the upper layers of element {element} have {words[position]} bytes")
        high.append((element, level, position + 1))
        position += 1 + level * width
        element += 1
    if element + size - position != count:
        _refuse(file, f"it has upper layers for {element + size - position} of {count} elements")
    elements, highest, offsets = np.array(high, dtype=np.int64).reshape(-1, 3).T
    levels = np.zeros(count, dtype=np.int64)
    levels[elements] = highest
    below = np.arange(highest.sum()) - np.repeat(np.cumsum(highest) - highest, highest)
    starts = np.repeat(offsets, highest) + below * width
    return UpperLayers(levels, np.repeat(elements, highest), below + 1, words[starts[:, None] + np.arange(width)])


def _check_start(file: HnswFile, levels: NDArray[np.int64]) -> None:
    start, layer, top = file.header.enterpoint_node, file.header.maxlevel, int(levels.max())
    if (layer, int(levels[start])) != (top, top):
        _refuse(
            file,
            f"its search starts at element {start} on layer {layer}, whose highest layer is {levels[start]}; the "
            f"highest of all is {top}",
        )


def _check_links(file: HnswFile, upper: UpperLayers) -> None:
    """A link on a layer must lead to an element that has this layer: hnswlib reads that element's list there."""
    counts, slots = upper.lists[:, :1], upper.lists[:, 1:]
    used = np.arange(slots.shape[1]) < counts
    ids = np.where(used, slots, 0)
    wrong = (counts[:, 0] > slots.shape[1]) | (ids >= len(upper.levels)).any(axis=1)
    if not wrong.any():
        wrong = (used & (upper.levels[ids] < upper.layers[:, None])).any(axis=1)
    if wrong.any():
        first = int(np.argmax(wrong))
        _refuse(file, f"element {upper.elements[first]} has invalid links on layer {upper.layers[first]}")


def _refuse_where(file: HnswFile, wrong: NDArray[np.bool_], start: int, what: str) -> None:
    if wrong.any():
        _refuse(file, f"element {start + int(np.argmax(wrong))} {what}")


def _refuse(file: HnswFile, what: str) -> NoReturn:
    raise BundleCorrupt(
        f"{file.path} is not an index that hnswlib saved: {what}.",
        remedy="Run `vitrine index` again, or `vitrine rollback`.",
    )
