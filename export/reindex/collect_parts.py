"""The vectors of all parts as one catalog, in the order of its products, without holding them in memory."""

from __future__ import annotations

from collections import defaultdict, deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from export.photos.embed_catalog import EmbeddedCatalog
from export.photos.vector_blocks import BLOCK, new_vectors, release
from export.reindex.partition import Part

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from export.photos.read_catalog import CatalogRow
    from export.reindex.part_file import Known
    from export.reindex.s3_folder import Listed
    from export.reindex.state import State

READERS = 4
"""Parts that are read ahead: a few megabytes each."""


class Collected(NamedTuple):
    catalog: EmbeddedCatalog
    behind: int
    """Photos whose newest version has not been embedded. A replaced one keeps its earlier vector until it has."""


def collect_parts(
    rows: Sequence[CatalogRow], objects: Mapping[str, Listed], state: State, fingerprint: str, bits: int, dim: int
) -> Collected:
    """The rows that have a vector of `dim` numbers, and why the others have none.

    Raises StoreUnavailable, ConfigurationError.
    """
    places: dict[str, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        places[row.image].append(place)
    vectors = new_vectors(len(rows), dim)
    digests = [""] * len(rows)
    reasons = {image: "There is no such photo." for image in places if image not in objects}
    current = len(reasons)
    for number, part in enumerate(_parts(places, state, fingerprint, bits)):
        for name, known in part.items():
            if name not in places or name not in objects:
                continue
            current += known.etag == objects[name].etag
            if known.result.vector is None:
                reasons[name] = known.result.reason or ""
                continue
            for place in places[name]:
                vectors[place], digests[place] = known.result.vector, known.sha256
        if number % READERS == 0:
            release(vectors)
    usable = [place for place, digest in enumerate(digests) if digest]
    _close_gaps(vectors, usable)
    kept = set(usable)
    skipped = {
        row.image: reasons.get(row.image, "The photo has not been embedded yet.")
        for place, row in enumerate(rows)
        if place not in kept
    }
    catalog = EmbeddedCatalog(
        vectors[: len(usable)], [rows[place] for place in usable], [digests[place] for place in usable], skipped
    )
    return Collected(catalog, len(places) - current)


def _parts(places: Mapping[str, object], state: State, fingerprint: str, bits: int) -> Iterator[dict[str, Known]]:
    """The contents of every part that a photo of the catalog belongs to, a few read ahead."""
    present = state.parts(fingerprint)
    waiting = deque(sorted({Part.of(name, bits) for name in places}))
    with ThreadPoolExecutor(READERS) as pool:
        reading = deque(
            pool.submit(state.read_part, fingerprint, waiting.popleft(), present)
            for _ in range(min(READERS, len(waiting)))
        )
        while reading:
            yield reading.popleft().result()
            if waiting:
                reading.append(pool.submit(state.read_part, fingerprint, waiting.popleft(), present))


def _close_gaps(vectors: NDArray[np.float32], usable: Sequence[int]) -> None:
    """Move the rows `usable`, which ascend, to the front. A row never moves to a place that is still to be read."""
    if len(usable) == len(vectors):
        return
    for start in range(0, len(usable), BLOCK):
        block = np.asarray(usable[start : start + BLOCK])
        vectors[start : start + len(block)] = vectors[block]
        release(vectors)
