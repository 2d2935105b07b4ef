"""The whole way from a shop's photos to a published bundle."""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from export.assign_labels import NO_LABELS, assign_labels, read_labels, read_manifest_of
from export.build_index import IndexParameters
from export.embed_catalog import embed_catalog
from export.embedding_cache import EmbeddingCache
from export.fit_whitening import fit_whitening
from export.publish import publish
from export.write_bundle import describe_model, digest_contents, write_bundle
from handler.bundle import WHITENING_FILE, bundle_key
from handler.encoder import Encoder
from handler.errors import BundleNotFound, CatalogError
from handler.whitening import Whitening

if TYPE_CHECKING:
    from rich.progress import Progress

    from export.read_catalog import CatalogSource
    from handler.bundle import Manifest, ModelRef
    from handler.store import BundleStore, Pointer


@dataclass(frozen=True)
class IndexReport:
    """What a run did. `skipped` says why, by image path."""

    version: str
    published: bool
    """False if the current bundle already serves exactly this."""
    products: int
    embedded: int
    seconds: float
    embedding_seconds: float
    recall: float
    ef: int
    new: int
    """Products that the bundle before did not have."""
    removed: int
    """Products that only the bundle before had."""
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
) -> IndexReport:
    """Embed what is new, build, check and publish; publish nothing if nothing changed.

    The whitening is fitted for the first bundle of a model and kept from then on, so that sessions go on; `refit` fits
    it anew.

    Raises CatalogError if no photo can be used, RecallTooLow, PublishConflict, BundleError; the current bundle stays
    as it is then, and what was embedded is kept for the next run.
    """
    started = time.monotonic()
    parameters = parameters or IndexParameters()
    model = describe_model(model_directory)
    pointer, earlier = _current(store)
    with EmbeddingCache(cache_path) as cache:
        catalog = embed_catalog(source, model.fingerprint, lambda: Encoder(model_directory), cache, progress)
    embedding_seconds = time.monotonic() - started
    if not catalog.rows:
        raise CatalogError(
            f"None of the {len(source.rows)} photos can be used; the first: {next(iter(catalog.skipped.values()))}",
            value=len(source.rows),
        )
    contents = digest_contents(catalog.rows, catalog.digests, model, parameters)
    known = read_labels(store, earlier) if earlier else NO_LABELS
    labels = assign_labels([row.id for row in catalog.rows], known)
    if earlier and earlier.contents == contents and not refit:
        manifest = earlier
    else:
        vectors = np.stack(catalog.vectors)
        kept = None if refit else _kept_whitening(store, earlier, model)
        whitening = kept or fit_whitening(vectors)
        with tempfile.TemporaryDirectory() as folder:
            staged = write_bundle(
                Path(folder),
                catalog.rows,
                vectors if whitening is None else whitening.apply(vectors),
                labels,
                model,
                model_directory,
                contents,
                parameters,
                progress,
                whitening,
            )
            publish(store, staged, pointer.etag if pointer else None)
            manifest = staged.manifest
    return IndexReport(
        version=manifest.version,
        published=manifest is not earlier,
        products=len(catalog.rows),
        embedded=catalog.embedded,
        seconds=time.monotonic() - started,
        embedding_seconds=embedding_seconds,
        recall=manifest.index.recall.value,
        ef=manifest.index.ef,
        new=len(labels.current.keys() - known.current.keys()),
        removed=len(known.current.keys() - labels.current.keys()),
        skipped=catalog.skipped,
    )


def _kept_whitening(store: BundleStore, earlier: Manifest | None, model: ModelRef) -> Whitening | None:
    if earlier is None or earlier.whitening is None or earlier.model.fingerprint != model.fingerprint:
        return None
    path = store.fetch(bundle_key(earlier.version, WHITENING_FILE), earlier.whitening)
    return Whitening.load(path, model.dim)


def _current(store: BundleStore) -> tuple[Pointer | None, Manifest | None]:
    try:
        pointer = store.current()
    except BundleNotFound:
        return None, None
    return pointer, read_manifest_of(store, pointer.version)
