"""A made-up catalog with a made-up judge, for sizes that no photos are at hand for."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from export.bench.arms import OWN
from export.bench.bench_catalog import BenchCatalog, centered
from export.bench.prepare import KNOWN_KEY, sign_with_known_key
from export.bench.synthetic import DIM, clustered_latent, linear_view, publish_vectors, stand_in_encoder
from export.bundle.fit_projection import fit_projection
from export.photos.read_catalog import CatalogRow

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rich.progress import Progress

JUDGE_DIM = 256
SYSTEM_NOISE, JUDGE_NOISE = 0.1, 1.5
"""Of each encoder on its own, where a photo's signal has 1.1: the judge is the noisier, so that shop and shopper
disagree as two real encoders do. What no number makes real: both views are linear, and err alike on all products."""
_LAYOUT = 2  # raise it when stores that an older benchmark made cannot be used any more


def prepare_synthetic(count: int, seed: int, work: Path, progress: Progress) -> BenchCatalog:
    """Products that exist as clusters of latent vectors only; shop and judge each have a noisy linear view.

    The store is kept in `work`: a graph over 100,000 vectors takes two minutes to build.
    """
    latent = clustered_latent(count, np.random.default_rng([seed, 0]))
    rows = [CatalogRow(f"{number:06}", f"{number:06}.jpg") for number in range(count)]
    store = work / f"synthetic-{count}-{seed}-v{_LAYOUT}"
    if not (store / "current.json").exists():
        _publish(store, rows, linear_view(latent, DIM, np.random.default_rng([seed, 1]), SYSTEM_NOISE), progress)
    return BenchCatalog(
        name=f"{count:,} made-up products",
        ids=tuple(row.id for row in rows),
        categories=np.zeros(count, dtype=np.int64),
        judge=centered(linear_view(latent, JUDGE_DIM, np.random.default_rng([seed, 2]), JUDGE_NOISE)),
        stores={OWN: store},
        signing_key=KNOWN_KEY,
    )


def _publish(store: Path, rows: list[CatalogRow], vectors: NDArray[np.float32], progress: Progress) -> None:
    """Project and publish as `vitrine index` does, in one step: an interrupted run leaves no store."""
    store.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(dir=store.parent, prefix=".building-"))
    try:
        projection = fit_projection(vectors)
        projected = vectors if projection is None else projection.apply(vectors)
        publish_vectors(building, rows, projected, stand_in_encoder(building / ".encoder"), progress, projection)
        sign_with_known_key(building)
        building.rename(store)
    finally:
        shutil.rmtree(building, ignore_errors=True)
