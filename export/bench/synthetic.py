"""Made-up catalogs of any size: vectors that cluster like a shop's, in a real, published bundle."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from export.bundle.build_index import IndexParameters
from export.bundle.content import BuildOptions, BundleContent
from export.bundle.publish_bundle import publish_bundle
from export.bundle.write_bundle import describe_model, digest_contents, write_bundle
from export.store.assign_labels import NO_LABELS, assign_labels
from handler.photos.encoder import ENCODER_FILE, SPEC_FILE, EncoderSpec
from handler.photos.images import Preprocessing
from handler.stores.store import DirectoryStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from rich.progress import Progress

    from export.photos.read_catalog import CatalogRow
    from export.store.collections import Collections
    from handler.photos.projection import Projection

DIM = 384
LATENT = 32
_PER_CLUSTER = 50


def clustered_vectors(count: int, dim: int = DIM, seed: int = 0) -> NDArray[np.float32]:
    """Unit vectors (count, dim) that lie like a shop's: some 50 variants about each of many centers, all of them in a
    few tens of directions, with a little noise in the others. Uniformly random ones would have no neighbors to find.
    """
    rng = np.random.default_rng(seed)
    return linear_view(clustered_latent(count, rng), dim, rng, noise=0.1)


def clustered_latent(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """What the products are (count, LATENT), before any encoder has looked at them."""
    centers = rng.normal(size=(max(1, count // _PER_CLUSTER), LATENT))
    latent: NDArray[np.float64] = centers[rng.integers(len(centers), size=count)]
    latent += 0.5 * rng.normal(size=(count, LATENT))
    return latent


def linear_view(latent: NDArray[np.float64], dim: int, rng: np.random.Generator, noise: float) -> NDArray[np.float32]:
    """An encoder's unit vectors (count, dim) of `latent`: a random linear map, its own noise on every photo, and an
    offset that all photos share, as those of real encoders do. A map's outputs have a standard deviation of about 1.
    """
    spread = rng.normal(size=(latent.shape[1], dim)) / np.sqrt(latent.shape[1])
    vectors = latent @ spread + noise * rng.normal(size=(len(latent), dim)) + rng.normal(size=dim)
    unit: NDArray[np.float32] = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return unit


def publish_vectors(
    store: Path,
    rows: Sequence[CatalogRow],
    vectors: NDArray[np.float32],
    model_directory: Path,
    progress: Progress,
    projection: Projection | None = None,
    collections: Collections | None = None,
) -> None:
    """Publish the first bundle of `store` from vectors that are there already (n, dim), one a row, as they are.

    With `collections` vectors and products go to a Milvus server.
    """
    model = describe_model(model_directory)
    labels = assign_labels([row.id for row in rows], NO_LABELS)
    parameters = IndexParameters()
    digests = [hashlib.sha256(row.id.encode()).hexdigest() for row in rows]
    contents = digest_contents(rows, digests, model, parameters)
    store.mkdir(parents=True, exist_ok=True)
    content = BundleContent(rows, vectors, labels, contents, projection)
    options = BuildOptions(model, model_directory, parameters, progress, collections=collections)
    with tempfile.TemporaryDirectory(dir=store) as directory:
        publish_bundle(DirectoryStore(store), write_bundle(Path(directory), content, options), None)


def stand_in_encoder(directory: Path, dim: int = DIM) -> Path:
    """Files in an encoder's place: a bundle has to name a model, and nothing that serves made-up vectors opens it."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / ENCODER_FILE).write_bytes(b"no model: these vectors were made up")
    spec = EncoderSpec(
        source="synthetic",
        architecture="none",
        pooling="mean",
        precision="fp32",
        dim=dim,
        preprocessing=Preprocessing(resize=(224, 224), mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),
    )
    (directory / SPEC_FILE).write_text(spec.model_dump_json())
    return directory
