"""The current bundle again, with tuned vectors."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from export.bundle.build_index import IndexParameters
from export.bundle.content import DEFAULT_TOKENIZER, BuildOptions, BundleContent
from export.bundle.publish_bundle import publish_bundle
from export.bundle.tune_projection import tuned
from export.bundle.update_bundle import read_base
from export.bundle.write_bundle import write_bundle
from export.photos.read_catalog import CatalogRow
from export.store.assign_labels import assign_labels
from export.store.known_labels import known_labels
from handler.errors import CatalogError
from handler.manifest import bundle_key
from handler.model_files import model_key
from handler.open_bundle import OpenBundle
from handler.photos.projection import Projection

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rich.progress import Progress

    from export.bundle.tune_projection import Trial
    from handler.manifest import Manifest
    from handler.stores.store import BundleStore


@dataclass(frozen=True)
class Tuning:
    """How a trial went, and what was published: None if the trial did not win, and nothing was changed."""

    trial: Trial
    manifest: Manifest | None


class TunableBundle:
    """The bundle that is current in a store, with the vectors that it serves."""

    labels: list[int]
    rows: list[CatalogRow]
    vectors: NDArray[np.float32]
    """(n, dim), unit vectors in the order of `labels` and `rows`."""

    def __init__(self, store: BundleStore) -> None:
        """Raises CatalogError for a bundle that cannot be tuned, BundleError."""
        self._store = store
        base = read_base(store)
        if base.pointer is None or base.manifest is None:
            raise CatalogError("The store holds no bundle.", field="store", remedy="Run `vitrine index` first.")
        self._pointer, self._manifest = base.pointer, base.manifest
        if base.manifest.projection_file is None or base.manifest.collection is not None:
            raise CatalogError(
                "Only a bundle that has a projection and keeps its own vectors can be tuned.",
                field="store",
                value=base.manifest.version,
                remedy="Index at least 30 products that differ, without --index.",
            )
        bundle = OpenBundle(store, base.manifest.version)
        products = bundle.catalog.by_labels(range(base.manifest.catalog.next_label))
        self.labels = list(products)
        self.rows = [CatalogRow(one.id, one.image, json.loads(one.fields)) for one in products.values()]
        _, self.vectors = bundle.index.vectors(self.labels)

    def publish(self, matrix: NDArray[np.float64], progress: Progress) -> Manifest:
        """Publish the same products with their vectors times `matrix` (dim, dim), and the projection likewise.

        Raises PublishConflict.
        """
        manifest, store = self._manifest, self._store
        name = manifest.projection_file
        assert name is not None  # noqa: S101  checked when the bundle was opened
        path = store.fetch(bundle_key(manifest.version, name), manifest.files[name])
        before = Projection.load(path, encoder_dim=manifest.model.dim, dim=manifest.index.dim)
        content = BundleContent(
            self.rows,
            tuned(self.vectors, matrix),
            assign_labels([row.id for row in self.rows], known_labels(store, self._pointer, manifest)),
            manifest.contents,
            Projection(before.center, (matrix.T @ before.matrix).astype(np.float32)),
            manifest.catalog.tokenizer or DEFAULT_TOKENIZER,
        )
        model = manifest.model
        files = [store.fetch(model_key(model.fingerprint, name), expected) for name, expected in model.files.items()]
        parameters = IndexParameters(manifest.index.m, manifest.index.ef_construction)
        with tempfile.TemporaryDirectory() as directory:
            staged = write_bundle(Path(directory), content, BuildOptions(model, files[0].parent, parameters, progress))
            publish_bundle(store, staged, self._pointer)
        return staged.manifest
