"""The vectors of many parts as one catalog, in the order of its products, without holding them in memory."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from export.photos.embed_catalog import EmbeddedCatalog
from export.photos.vector_blocks import BLOCK, new_vectors, release

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from export.photos.part_file import Known
    from export.photos.read_catalog import CatalogRow

PARTS_AHEAD = 4
"""Parts to read ahead of this: a few megabytes each."""


def collect_vectors(
    rows: Sequence[CatalogRow], parts: Iterable[Mapping[str, Known]], dim: int, reasons: Mapping[str, str]
) -> EmbeddedCatalog:
    """The rows that have a vector of `dim` numbers, and why the others have none.

    `parts` hold what is known of photos, by image path, each photo in one part at most. `reasons`, by
    image path, explain photos that no part knows.
    """
    places: dict[str, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        places[row.image].append(place)
    vectors = new_vectors(len(rows), dim)
    digests = [""] * len(rows)
    unusable = dict(reasons)
    for number, part in enumerate(parts):
        for name, known in part.items():
            if known.result.vector is None:
                unusable[name] = known.result.reason or ""
                continue
            for place in places.get(name, ()):
                vectors[place], digests[place] = known.result.vector, known.sha256
        if number % PARTS_AHEAD == 0:
            release(vectors)
    usable = [place for place, digest in enumerate(digests) if digest]
    close_gaps(vectors, usable)
    kept = set(usable)
    skipped = {
        row.image: unusable.get(row.image, "The photo has not been embedded yet.")
        for place, row in enumerate(rows)
        if place not in kept
    }
    return EmbeddedCatalog(
        vectors[: len(usable)], [rows[place] for place in usable], [digests[place] for place in usable], skipped
    )


def close_gaps(vectors: NDArray[np.float32], usable: Sequence[int]) -> None:
    """Move the rows `usable`, which ascend, to the front. A row never moves to a place that is still to be read."""
    if len(usable) == len(vectors):
        return
    for start in range(0, len(usable), BLOCK):
        block = np.asarray(usable[start : start + BLOCK])
        vectors[start : start + len(block)] = vectors[block]
        release(vectors)
