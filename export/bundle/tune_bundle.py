"""The current bundle again, with vectors tuned to one of its fields, if that helps."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from export.bundle.build_index import IndexParameters
from export.bundle.content import DEFAULT_TOKENIZER, BuildOptions, BundleContent
from export.bundle.publish_bundle import publish_bundle
from export.bundle.tune_projection import fit_discriminant, try_discriminant
from export.bundle.update_bundle import read_base
from export.bundle.write_bundle import write_bundle
from export.photos.read_catalog import CatalogRow
from export.store.assign_labels import assign_labels
from export.store.known_labels import known_labels
from handler.errors import CatalogError
from handler.manifest import bundle_key, model_key
from handler.open_bundle import OpenBundle
from handler.photos.projection import Projection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from rich.progress import Progress

    from export.bundle.tune_projection import Trial
    from handler.manifest import Manifest
    from handler.stores.store import BundleStore


def tune_bundle(store: BundleStore, by: str, progress: Progress) -> tuple[Trial, Manifest | None]:
    """Tune the current bundle of `store` to the values of the field `by`, and publish it if the trial wins.

    None instead of a manifest: nothing was changed. Products without the field count as found alike to nothing: they
    are left out of the fit and get tuned vectors, too. A later `vitrine index` keeps the tuned projection; running
    sessions end. Raises CatalogError for a field or a catalog that cannot be tuned by, PublishConflict, BundleError.
    """
    base = read_base(store)
    if base.pointer is None or base.manifest is None:
        raise CatalogError("The store holds no bundle.", field="store", remedy="Run `vitrine index` first.")
    manifest = base.manifest
    if manifest.projection_file is None or manifest.collection is not None:
        raise CatalogError(
            "Only a bundle that has a projection and keeps its own vectors can be tuned.",
            field="store",
            value=manifest.version,
            remedy="Index at least 30 products that differ, without --index.",
        )
    bundle = OpenBundle(store, manifest.version)
    products = bundle.catalog.by_labels(range(manifest.catalog.next_label))
    rows = [CatalogRow(one.id, one.image, json.loads(one.fields)) for one in products.values()]
    _, vectors = bundle.index.vectors(list(products))
    named, groups = _groups(rows, by)
    trial = try_discriminant(vectors[named], groups)
    if not trial.wins:
        return trial, None
    matrix = fit_discriminant(vectors[named], groups)
    tuned = vectors @ matrix
    tuned /= np.linalg.norm(tuned, axis=1, keepdims=True)
    path = store.fetch(bundle_key(manifest.version, manifest.projection_file), manifest.files[manifest.projection_file])
    before = Projection.load(path, encoder_dim=manifest.model.dim, dim=manifest.index.dim)
    content = BundleContent(
        rows,
        tuned,
        assign_labels([row.id for row in rows], known_labels(store, base.pointer, manifest)),
        manifest.contents,
        Projection(before.center, matrix @ before.matrix),
        manifest.catalog.tokenizer or DEFAULT_TOKENIZER,
    )
    model = manifest.model
    files = [store.fetch(model_key(model.fingerprint, name), expected) for name, expected in model.files.items()]
    parameters = IndexParameters(manifest.index.m, manifest.index.ef_construction)
    with tempfile.TemporaryDirectory() as directory:
        staged = write_bundle(Path(directory), content, BuildOptions(model, files[0].parent, parameters, progress))
        publish_bundle(store, staged, base.pointer)
    return trial, staged.manifest


def _groups(rows: Sequence[CatalogRow], by: str) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """The places of the rows that have the field, and the number of each one's value. Raises CatalogError."""
    values = [row.fields.get(by) for row in rows]
    named = [place for place, value in enumerate(values) if isinstance(value, str)]
    if not named:
        raise CatalogError(
            f"No product has a text in the field {by!r}.",
            field="by",
            value=by,
            remedy="Name a field that has one text for each product, such as `category`.",
        )
    _, groups = np.unique([str(values[place]) for place in named], return_inverse=True)
    return np.asarray(named, dtype=np.intp), groups.astype(np.int64)
