"""From a shop's photos to a published bundle."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from export.bundle.build_index import IndexParameters
from export.bundle.content import BuildOptions
from export.bundle.peak_memory import peak_memory
from export.bundle.update_bundle import read_base, update_bundle
from export.bundle.write_bundle import describe_model
from export.photos.embed_catalog import check_usable, embed_catalog
from export.photos.embedding_cache import EmbeddingCache
from export.shards.merge_shards import merge_shards
from handler.photos.encoder import Encoder

if TYPE_CHECKING:
    from pathlib import Path

    from rich.progress import Progress

    from export.bundle.fit_projection import Dim
    from export.photos.read_catalog import CatalogSource
    from export.store.collections import Collections
    from handler.manifest import Tokenizer
    from handler.stores.store import BundleStore


@dataclass(frozen=True)
class IndexReport:
    """The result of a run. `skipped` maps image paths to reasons."""

    version: str
    published: bool
    """False if the current bundle already has exactly this content."""
    products: int
    embedded: int
    seconds: float
    embedding_seconds: float
    dim: int
    recall: float
    ef: int
    new: int
    """Products that the previous bundle did not have."""
    removed: int
    """Products that only the previous bundle had."""
    peak_memory: int
    """Bytes, of the whole run."""
    skipped: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1, ensure_ascii=False)


def index_catalog(
    source: CatalogSource,
    store: BundleStore,
    model_directory: Path,
    cache_path: Path,
    progress: Progress,
    parameters: IndexParameters | None = None,
    *,
    refit: bool = False,
    tokenizer: Tokenizer | None = None,
    collections: Collections | None = None,
    dim: Dim = None,
    merge: int | None = None,
) -> IndexReport:
    """Embed new photos, then build, check and publish a bundle; publish nothing if nothing changed.

    The projection is fitted for the first bundle of a model and kept from then on, so that sessions continue; `refit`
    fits it again. `tokenizer` None keeps that of the bundle before. With `collections`, vectors and products go there
    instead of into the bundle's files. `dim` says how many dimensions a projection that is fitted keeps. With `merge`,
    nothing is embedded: the vectors come from that many shards in the store.

    Raises CatalogError if no photo can be used or a shard does not fit, RecallTooLow, PublishConflict, BundleError, and
    ConfigurationError (a `dim` that cannot be had, a full disk) or OSError. The current bundle then stays as it is, and
    the next run reuses the vectors so far.
    """
    started = time.monotonic()
    parameters = parameters or IndexParameters()
    model = describe_model(model_directory)
    base = read_base(store)
    with EmbeddingCache(cache_path) as cache:
        if merge is None:
            catalog = embed_catalog(
                source, model.fingerprint, lambda: Encoder(model_directory, threads=1), cache, progress
            )
        else:
            catalog = merge_shards(source, store, model, merge, cache.content_hash, progress)
    embedding_seconds = time.monotonic() - started
    check_usable(catalog)
    options = BuildOptions(model, model_directory, parameters, progress, tokenizer, collections, dim)
    outcome = update_bundle(catalog, store, base, options, refit=refit)
    return IndexReport(
        version=outcome.manifest.version,
        published=outcome.published,
        products=len(catalog.rows),
        embedded=catalog.embedded,
        seconds=time.monotonic() - started,
        embedding_seconds=embedding_seconds,
        dim=outcome.manifest.index.dim,
        recall=outcome.manifest.index.recall.value,
        ef=outcome.manifest.index.ef,
        new=outcome.new,
        removed=outcome.removed,
        peak_memory=peak_memory(),
        skipped=catalog.skipped,
    )
