"""From the shards of a catalog to its vectors, refusing any shard that does not fit."""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from export.photos.collect_vectors import PARTS_AHEAD, collect_vectors
from export.photos.embed_catalog import hash_photos
from export.photos.map_ahead import map_ahead
from export.shards.shard import Shard, all_shards
from export.shards.shard_record import read_part, read_record
from handler.errors import BundleCorrupt, BundleNotFound, CatalogError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from rich.progress import Progress

    from export.photos.embed_catalog import EmbeddedCatalog
    from export.photos.part_file import Known
    from export.photos.read_catalog import CatalogSource
    from handler.model_files import ModelRef
    from handler.stores.store import BundleStore

_NAMED_IN_ERRORS = 3


def merge_shards(
    source: CatalogSource,
    store: BundleStore,
    model: ModelRef,
    count: int,
    content_hash: Callable[[Path], str],
    progress: Progress,
) -> EmbeddedCatalog:
    """Collect the vectors of `source` from the `count` shards in `store`. Embeds nothing.

    Raises CatalogError, naming the shards and how to make them again, unless each is complete, undamaged, made by this
    encoder, and has the current content of all of its photos. Raises StoreUnavailable, ConfigurationError.
    """
    shards = all_shards(count)
    parts = _parts_by_shard(store, shards, model.fingerprint)
    hashes, unreadable = hash_photos(source, content_hash, progress)
    catalog = collect_vectors(source.rows, _current(store, parts, hashes, progress), model.dim, unreadable)
    catalog.skipped |= source.skipped
    return catalog


def _parts_by_shard(store: BundleStore, shards: list[Shard], fingerprint: str) -> dict[Shard, tuple[str, ...]]:
    """The digests of each shard's part files, from its record."""
    parts: dict[Shard, tuple[str, ...]] = {}
    problems: dict[Shard, str] = {}
    for shard in shards:
        try:
            record = read_record(store, shard)
        except BundleCorrupt as error:
            problems[shard] = f"is damaged ({error.detail.rstrip('.')})"
            continue
        if record is None:
            problems[shard] = "is missing"
        elif record.fingerprint != fingerprint:
            problems[shard] = f"was made by the encoder {record.fingerprint}, not {fingerprint}"
        elif not record.complete:
            problems[shard] = "is not complete: its process still runs, or was broken off"
        else:
            parts[shard] = record.parts
    _refuse(problems, store)
    return parts


def _current(
    store: BundleStore, parts: Mapping[Shard, tuple[str, ...]], hashes: Mapping[str, str], progress: Progress
) -> Iterator[dict[str, Known]]:
    """What each part file knows of photos that are still the same. Raises CatalogError at the end of a bad shard."""
    wanted: dict[Shard, set[str]] = defaultdict(set)
    for image in hashes:
        wanted[Shard.of(image, len(parts))].add(image)
    for shard, digests in progress.track(parts.items(), description="Merging shards"):
        left = wanted[shard]
        try:
            with ThreadPoolExecutor(PARTS_AHEAD) as pool:
                for part in map_ahead(pool, partial(read_part, store, shard), digests, PARTS_AHEAD):
                    known = {name: one for name, one in part.items() if name in left and one.sha256 == hashes[name]}
                    left -= known.keys()
                    yield known
        except (BundleCorrupt, BundleNotFound) as error:
            _refuse({shard: f"is damaged ({error.detail.rstrip('.')})"}, store)
        if left:
            _refuse({shard: f"is stale: it lacks the current content of {len(left)} of its photos, {min(left)}"}, store)


def _refuse(problems: Mapping[Shard, str], store: BundleStore) -> None:
    """Raise CatalogError if there are any."""
    if not problems:
        return
    named = "; ".join(f"shard {shard} {problem}" for shard, problem in list(problems.items())[:_NAMED_IN_ERRORS])
    more = len(problems) - _NAMED_IN_ERRORS
    again = " ".join(str(shard) for shard in problems)
    raise CatalogError(
        f"{store.address} cannot be merged: {named}{f'; and {more} more' if more > 0 else ''}.",
        field="shard",
        value=[str(shard) for shard in problems],
        remedy=f"Run `vitrine index` again, with the same photos, --out and --model, for --shard {again}.",
    )
