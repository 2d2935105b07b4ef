"""Photos to catalogs that can be played: published stores, and how alike each judge finds every two products."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from export.bench.arms import OTHER, OWN, RAW
from export.bench.bench_catalog import BenchCatalog, centered
from export.bench.efficientnet import judge_photos
from export.bench.plain_judge import judge_plainly
from export.bench.sample_products import sample_products
from export.bench.synthetic import publish_vectors
from export.bundle.write_bundle import describe_model
from export.index_catalog import index_catalog
from export.photos.embed_catalog import embed_catalog
from export.photos.embedding_cache import EmbeddingCache
from export.photos.read_catalog import CatalogRow, CatalogSource, read_catalog
from handler.errors import ConfigurationError
from handler.local.local_state import LocalState
from handler.open_bundle import OpenBundle
from handler.photos.encoder import Encoder
from handler.stores.store import DirectoryStore

if TYPE_CHECKING:
    from pathlib import Path

    from rich.progress import Progress

PLAIN, EFFICIENTNET = "class, color and texture", "EfficientNet-Lite0"
"""The judges. The first shares no weights with any encoder; the second is a relative of the one that ships."""
KNOWN_KEY = "vitrine-bench: everybody may know this"
"""Signs the sessions of stores that the benchmark makes, so that a run shows the same pages on every machine."""


@dataclass(frozen=True)
class Photos:
    """What to play on."""

    source: Path
    """A bundle store, a folder of photos, or a product table."""
    products: int | None
    """How many to draw; None takes a store as it is published, and all of anything else."""
    seed: int
    model: Path
    photos_root: Path | None = None
    judge_raw: bool = False
    """Whether EfficientNet judges by vectors that are not centered."""
    unprojected: bool = False
    """Whether a second bundle holds the encoder's vectors as they are."""
    other: Path | None = None
    """An encoder to make one more bundle with."""


def prepare(wanted: Photos, work: Path, progress: Progress) -> dict[str, BenchCatalog]:
    """Index the photos and judge them; the same catalog for each judge. Raises what indexing and judging raise."""
    published = (wanted.source / "current.json").is_file()
    if published and wanted.products is None:
        store, root = wanted.source, LocalState(wanted.source).photos(wanted.photos_root)
    else:
        source = _published_rows(wanted) if published else read_catalog(wanted.source, wanted.photos_root)
        rows = sample_products(source.rows, wanted.products or len(source.rows), wanted.seed)
        store, root = _indexed(CatalogSource(source.root, tuple(rows)), wanted.model, work, progress), source.root
    rows = _rows_of(store)
    source = CatalogSource(root, tuple(rows))
    stores = {OWN: store}
    if wanted.unprojected:
        stores[RAW] = _unprojected(source, store, wanted.model, work, progress)
    if wanted.other is not None:
        stores[OTHER] = _indexed(source, wanted.other, work, progress)
    _, categories = np.unique([str(row.fields.get("category")) for row in rows], return_inverse=True)
    photos = [root / row.image for row in rows]
    seen = judge_photos(photos, work / "judge.sqlite", progress)
    judges = {
        PLAIN: judge_plainly(photos, categories, progress),
        EFFICIENTNET: seen if wanted.judge_raw else centered(seen),
    }
    return {
        judge: BenchCatalog(
            name=f"{wanted.source.name}, {len(rows):,} products",
            ids=tuple(row.id for row in rows),
            categories=categories,
            judge=vectors,
            stores=stores,
            signing_key=LocalState(store).signing_key(),
        )
        for judge, vectors in judges.items()
    }


def sign_with_known_key(store: Path) -> None:
    """Give a store of the benchmark a fixed key, so that `vitrine serve` shows the benchmark's pages, too."""
    folder = LocalState(store).folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "signing.key").write_text(KNOWN_KEY)


def _indexed(source: CatalogSource, model: Path, work: Path, progress: Progress) -> Path:
    """A store of just these products, always made again: the code that makes bundles may have changed."""
    store = work / f"indexed-{_digest(source)}-{describe_model(model).fingerprint[:8]}"
    shutil.rmtree(store, ignore_errors=True)
    sign_with_known_key(store)
    index_catalog(source, DirectoryStore(store), model, work / "embeddings.sqlite", progress)
    LocalState(store).remember_photos(source.root)
    return store


def _unprojected(source: CatalogSource, store: Path, model: Path, work: Path, progress: Progress) -> Path:
    """A second store of the same products in the same order, with the encoder's vectors as they are."""
    fingerprint = describe_model(model).fingerprint
    if _current(store).manifest.model.fingerprint != fingerprint:
        raise ConfigurationError(
            f"These bundles were made with another encoder than {model.name}.",
            field="model",
            value=str(model),
            remedy="Name the one they were made with by --model.",
        )
    raw = work / f"raw-{_digest(source)}"
    shutil.rmtree(raw, ignore_errors=True)
    with EmbeddingCache(work / "embeddings.sqlite") as cache:
        embedded = embed_catalog(source, fingerprint, lambda: Encoder(model, threads=1), cache, progress)
    publish_vectors(raw, embedded.rows, embedded.vectors, model, progress)
    return raw


def _published_rows(wanted: Photos) -> CatalogSource:
    return CatalogSource(LocalState(wanted.source).photos(wanted.photos_root), tuple(_rows_of(wanted.source)))


def _rows_of(store: Path) -> list[CatalogRow]:
    """The products that a store's current bundle has, in the order of their ids."""
    bundle = _current(store)
    products = bundle.catalog.by_labels(range(bundle.manifest.catalog.next_label)).values()
    return sorted((CatalogRow(one.id, one.image, json.loads(one.fields)) for one in products), key=lambda row: row.id)


def _current(store: Path) -> OpenBundle:
    directory = DirectoryStore(store)
    return OpenBundle(directory, directory.current().version)


def _digest(source: CatalogSource) -> str:
    named = "\n".join([str(source.root.resolve()), *(row.id for row in source.rows)])
    return hashlib.sha256(named.encode()).hexdigest()[:12]
