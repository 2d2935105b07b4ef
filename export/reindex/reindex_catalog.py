"""One run of the scheduled re-index: list, embed what is new, build, publish; as far as the time reaches."""

from __future__ import annotations

import hashlib
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.progress import Progress

from export.bundle.build_index import IndexParameters
from export.bundle.content import BuildOptions
from export.bundle.update_bundle import read_base, update_bundle
from export.bundle.write_bundle import describe_model
from export.embedded import EMBEDDED_ENCODER
from export.photos.embed_catalog import check_usable, collect
from export.reindex.fetch_encoder import fetch_encoder
from export.reindex.s3_catalog import S3Catalog
from export.reindex.s3_folder import S3Folder
from export.reindex.spool_photos import embed_objects
from export.reindex.state import ReindexState
from export.store.versions import pointer_or_none
from handler.errors import PublishConflict
from handler.manifest import model_key
from handler.photos.encoder import ENCODER_FILE, Encoder
from handler.stores.file_cache import FileCache
from handler.stores.open_store import open_store

if TYPE_CHECKING:
    from collections.abc import Callable

    from export.bundle.update_bundle import Base
    from export.photos.embedding_cache import EmbeddingCache
    from export.reindex.settings import ReindexSettings
    from handler.stores.store import BundleStore

CHECKPOINT_SECONDS = 60.0
RESERVE_SECONDS = 20.0
"""For saving what has been embedded."""
BUILD_SECONDS = 15.0
BUILD_SECONDS_A_PRODUCT = 0.004
"""100,000 x 384 take 99 s on two cores; a function of 1,769 MB has one, and recall is measured besides."""
_REASONS_SHOWN = 20


@dataclass
class Run:
    """A run's counts, and how far it has come."""

    settings: ReindexSettings
    remaining_seconds: Callable[[], float]
    force: bool = False
    counts: dict[str, Any] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    def report(self, status: str, **more: Any) -> dict[str, Any]:
        seconds = round(time.monotonic() - self.started, 3)
        return {"status": status, **self.counts, **more, "seconds": seconds}


def reindex_catalog(run: Run) -> dict[str, Any]:
    """The run's report. Its `status`:

    unchanged   the catalog is what the last finished run saw; nothing but the listing was read
    published   a new bundle is current
    current     something changed, but nothing that is served
    conflict    another publisher was first; its bundle stands
    partial     the time did not reach; what was embedded is saved, and the next run goes on from there

    Raises CatalogError, RecallTooLow, BundleError, ConfigurationError; the current bundle stays as it is then.
    """
    settings = run.settings
    store = open_store(settings.bundles, FileCache(settings.cache, settings.cache_megabytes))
    catalog = S3Catalog.list(S3Folder(settings.catalog))
    with tempfile.TemporaryDirectory() as work:
        state = ReindexState(S3Folder(settings.state_address), Path(work))
        seen = hashlib.sha256(f"{catalog.digest()} {settings.model} {settings.encoder}".encode()).hexdigest()
        pointer = pointer_or_none(store)
        if pointer and not run.force and state.seen() == seen:
            return run.report("unchanged", version=pointer.version, objects=len(catalog.objects))
        with state.open_cache() as cache:
            report = _bring_up_to_date(run, store, catalog, state, cache, Path(work))
        if report["status"] in ("published", "current") and not run.counts["unreadable"]:
            state.finish(seen, report["version"])
    return report


def _bring_up_to_date(
    run: Run, store: BundleStore, catalog: S3Catalog, state: ReindexState, cache: EmbeddingCache, work: Path
) -> dict[str, Any]:
    base = read_base(store)
    if run.settings.encoder:
        model_directory = fetch_encoder(store, run.settings.encoder, work / "encoder")
    else:
        model_directory = run.settings.model or _model_of(store, base)
    model = describe_model(model_directory)
    rows, unsupported = catalog.rows()
    spool = embed_objects(catalog, rows, model.fingerprint, lambda: Encoder(model_directory), cache, work)
    saved_at, slowest = time.monotonic(), 0.0
    while spool.pending:
        if run.remaining_seconds() < RESERVE_SECONDS + 1.5 * slowest:
            state.save(cache)
            return run.report("partial", **spool.counts(), pending=len(spool.pending))
        before = run.remaining_seconds()
        spool.step()
        slowest = max(slowest, before - run.remaining_seconds())
        if time.monotonic() - saved_at > CHECKPOINT_SECONDS and spool.pending:
            state.save(cache)
            saved_at = time.monotonic()
    if spool.downloaded:
        state.save(cache)
    run.counts |= spool.counts()
    # A run that has embedded nothing goes on whatever the estimate says: waiting would not give it more time.
    if spool.embedded and run.remaining_seconds() < BUILD_SECONDS + BUILD_SECONDS_A_PRODUCT * len(rows):
        return run.report("partial", pending=0)
    vectors = collect(rows, spool.hashes, spool.reasons, model.fingerprint, cache)
    skipped = vectors.skipped | unsupported
    reasons = dict(list(skipped.items())[:_REASONS_SHOWN])
    run.counts |= {"products": len(vectors.rows), "skipped": len(skipped), "reasons": reasons}
    check_usable(vectors)
    options = BuildOptions(model, model_directory, IndexParameters(), Progress(disable=True))
    try:
        outcome = update_bundle(vectors, store, base, options)
    except PublishConflict as error:
        return run.report("conflict", detail=str(error))
    index = outcome.manifest.index
    return run.report(
        "published" if outcome.published else "current",
        version=outcome.manifest.version,
        new=outcome.new,
        removed=outcome.removed,
        recall=index.recall.value,
        ef=index.ef,
    )


def _model_of(store: BundleStore, base: Base) -> Path:
    """The encoder of the current bundle, so that sessions go on; before the first, the one that comes with Vitrine."""
    if base.manifest is None:
        return EMBEDDED_ENCODER
    model = base.manifest.model
    paths = {name: store.fetch(model_key(model.fingerprint, name), ref) for name, ref in model.files.items()}
    return paths[ENCODER_FILE].parent
