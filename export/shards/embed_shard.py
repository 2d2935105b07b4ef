"""Embedding one shard: what each of many processes does, on one machine or on many."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from export.bundle.write_bundle import describe_model
from export.photos.embed_catalog import embed_photos, hash_photos
from export.photos.embedding_cache import content_hash
from export.shards.shard import Shard
from export.shards.shard_writer import ShardWriter
from handler.photos.encoder import Encoder

if TYPE_CHECKING:
    from pathlib import Path

    from rich.progress import Progress

    from export.photos.read_catalog import CatalogSource
    from handler.stores.store import BundleStore


@dataclass(frozen=True)
class ShardReport:
    """The result of a run."""

    shard: Shard
    photos: int
    """Photos of the catalog that belong to the shard."""
    embedded: int
    kept: int
    """Photos that an earlier run had done."""
    unreadable: dict[str, str]
    """Reasons by image path; a later run may be able to read them."""
    damaged: list[str]
    """Why parts of an earlier run were done again."""
    seconds: float


def embed_shard(
    source: CatalogSource, store: BundleStore, model_directory: Path, shard: Shard, progress: Progress
) -> ShardReport:
    """Embed the photos of `shard` that the store does not have yet, and store their vectors.

    Run it again after it was killed, or after photos changed: it embeds only what is missing. Processes for different
    shards never write the same file. Raises BundleError, ConfigurationError, OSError; what was stored is kept.
    """
    started = time.monotonic()
    model = describe_model(model_directory)
    rows = tuple(row for row in source.rows if Shard.of(row.image, shard.count) == shard)
    hashes, unreadable = hash_photos(replace(source, rows=rows), content_hash, progress)
    writer = ShardWriter.resume(store, shard, model.fingerprint)
    names: dict[str, list[str]] = defaultdict(list)
    for image, sha256 in hashes.items():
        if (image, sha256) not in writer.known:
            names[sha256].append(image)
    writer.expect(names)
    embedded = 0
    if names:
        pending = {sha256: source.root / images[0] for sha256, images in names.items()}
        encoder = Encoder(model_directory, threads=1)  # every core embeds photos of its own
        try:
            embedded, gone = embed_photos(pending, model.fingerprint, encoder, writer, progress)
        except BaseException:  # Ctrl-C, too: a batch system may stop a job at any moment
            writer.save()
            raise
        unreadable |= {image: gone[sha256] for sha256, images in names.items() if sha256 in gone for image in images}
    writer.finish()
    return ShardReport(
        shard=shard,
        photos=len({row.image for row in rows}),
        embedded=embedded,
        kept=len(hashes) - sum(map(len, names.values())),
        unreadable=unreadable,
        damaged=writer.damaged,
        seconds=time.monotonic() - started,
    )
