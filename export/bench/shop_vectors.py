"""Vectors of photos as `vitrine index` would write them, for benches that measure what is made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from rich.console import Console

from export.bundle.fit_projection import fit_projection, project
from export.bundle.write_bundle import describe_model
from export.photos.embed_catalog import embed_catalog
from export.photos.embedding_cache import EmbeddingCache
from export.terminal import progress_bar
from handler.photos.encoder import SPEC_FILE, Encoder, EncoderSpec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from export.photos.read_catalog import CatalogRow, CatalogSource
    from handler.photos.projection import Projection


class ShopVectors(NamedTuple):
    """The rows whose photos could be embedded, their vectors (n, dim), and the projection that made these."""

    rows: Sequence[CatalogRow]
    vectors: NDArray[np.float32]
    projection: Projection | None
    """None if there are too few photos to fit one."""


def shop_vectors(source: CatalogSource, model: Path, work: Path) -> ShopVectors:
    """Embed the photos of `source` with the encoder in `model`; `work` keeps embeddings for the next run."""
    work.mkdir(parents=True, exist_ok=True)
    with EmbeddingCache(work / "embeddings.sqlite") as cache, progress_bar(Console(stderr=True)) as progress:
        embedded = embed_catalog(source, describe_model(model).fingerprint, lambda: Encoder(model), cache, progress)
    spec = EncoderSpec.read(model / SPEC_FILE)
    projection = fit_projection(embedded.vectors, spec.whitening, spec.parts)
    vectors = embedded.vectors if projection is None else project(embedded.vectors, projection)
    return ShopVectors(embedded.rows, np.asarray(vectors), projection)
