"""Catalogs of any size for the benchmarks of serving: made-up products, published once and kept."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.progress import Progress

from export.bench.synthetic import DIM, clustered_vectors, publish_vectors, stand_in_encoder
from export.bundle.fit_projection import fit_projection
from export.photos.read_catalog import CatalogRow

if TYPE_CHECKING:
    from export.store.collections import Collections

DEFAULT_WORK = Path(tempfile.gettempdir()) / "vitrine-bench"
_LAYOUT = 5  # raise it when bundles cached by an older script cannot be used any more


def product_rows(count: int, seed: int = 0) -> list[CatalogRow]:
    """Products with the fields of an ordinary shop: name, category, colour, price and stock."""
    rng = np.random.default_rng(seed)
    categories = ("dress", "hat", "longsleeve", "outwear", "pants", "shirt", "shoes", "shorts", "skirt", "t-shirt")
    colours = ("black", "blue", "green", "red", "sand", "white")
    rows = []
    for number in range(count):
        category = categories[int(rng.integers(len(categories)))]
        colour = colours[int(rng.integers(len(colours)))]
        fields = {
            "name": f"{colour.title()} {category} no. {number}",
            "category": category,
            "colour": colour,
            "price": round(float(rng.gamma(3, 20)), 2),
            "in_stock": bool(rng.random() < 0.9),
        }
        rows.append(CatalogRow(f"{category}/{number:06}", f"{category}/{number:06}.jpg", fields))
    return rows


def store_path(work: Path, count: int) -> Path:
    """Where the store of `count` products is kept below `work`."""
    return work / f"{count}x{DIM}-v{_LAYOUT}"


def published_bundle(work: Path, count: int, progress: Progress | None = None) -> Path:
    """A store whose current bundle has `count` products; built by the export side once and kept in `work`."""
    store = store_path(work, count)
    if (store / "current.json").exists():
        return store
    work.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(dir=work, prefix=".building-"))
    try:
        publish_made_up(building, count, progress or Progress(disable=True))
        building.rename(store)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return store


def publish_made_up(store: Path, count: int, progress: Progress, collections: Collections | None = None) -> None:
    """Publish `count` products with projected vectors, as `vitrine index` would; see `publish_vectors`."""
    vectors = clustered_vectors(count)
    projection = fit_projection(vectors)
    assert projection is not None
    projected = projection.apply(vectors)
    del vectors
    encoder = stand_in_encoder(store / ".encoder")
    publish_vectors(store, product_rows(count), projected, encoder, progress, projection, collections)
