"""The vectors of all parts of the state as one catalog."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from export.photos.collect_vectors import PARTS_AHEAD, collect_vectors
from export.photos.map_ahead import map_ahead
from export.photos.partition import Part

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from export.photos.embed_catalog import EmbeddedCatalog
    from export.photos.part_file import Known
    from export.photos.read_catalog import CatalogRow
    from export.reindex.s3_folder import Listed
    from export.reindex.state import State


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
    images = {row.image for row in rows}
    missing = {image: "There is no such photo." for image in images if image not in objects}
    present = images - missing.keys()
    current = len(missing)

    def wanted() -> Iterator[dict[str, Known]]:
        nonlocal current
        for part in _parts(images, state, fingerprint, bits):
            known = {name: one for name, one in part.items() if name in present}
            current += sum(one.etag == objects[name].etag for name, one in known.items())
            yield known

    catalog = collect_vectors(rows, wanted(), dim, missing)
    return Collected(catalog, len(images) - current)


def _parts(images: Collection[str], state: State, fingerprint: str, bits: int) -> Iterator[dict[str, Known]]:
    """The contents of every part that a photo of the catalog belongs to."""
    present = state.parts(fingerprint)
    wanted = sorted({Part.of(name, bits) for name in images})
    with ThreadPoolExecutor(PARTS_AHEAD) as pool:
        yield from map_ahead(pool, lambda part: state.read_part(fingerprint, part, present), wanted, PARTS_AHEAD)
