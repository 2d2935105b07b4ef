"""One bundle's files in a folder of their own, complete and described, ready to be published."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from export.bundle.build_index import IndexParameters, build_index
from export.bundle.check_recall import measure_index
from export.bundle.describe_fields import describe_fields
from export.bundle.write_catalog import write_catalog
from handler.manifest import (
    CATALOG_FILE,
    INDEX_FILE,
    MANIFEST_FILE,
    WHITENING_FILE,
    Manifest,
    ModelRef,
    model_fingerprint,
)
from handler.photos.encoder import ENCODER_FILE, SPEC_FILE, EncoderSpec
from handler.stores.store import file_ref

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from rich.progress import Progress

    from export.photos.read_catalog import CatalogRow
    from export.store.assign_labels import Labels
    from handler.manifest import FileRef
    from handler.photos.whitening import Whitening


@dataclass(frozen=True)
class StagedBundle:
    """Files on disk, not yet published. `model_directory` holds the encoder's files."""

    manifest: Manifest
    directory: Path
    model_directory: Path


def write_bundle(
    directory: Path,
    rows: Sequence[CatalogRow],
    vectors: NDArray[np.float32],
    labels: Labels,
    model: ModelRef,
    model_directory: Path,
    contents: str,
    parameters: IndexParameters,
    progress: Progress,
    whitening: Whitening | None = None,
) -> StagedBundle:
    """Build and check the index, write catalog and manifest. Raises RecallTooLow; nothing is published then.

    `vectors` (n, dim) are whitened already, if `whitening` is given.
    """
    index_path = directory / INDEX_FILE
    order = np.argsort([labels.current[row.id] for row in rows])
    sorted_labels = [labels.current[rows[place].id] for place in order]
    build_index(vectors[order], sorted_labels, parameters, index_path, progress)
    fields = describe_fields([row.fields for row in rows])
    catalog = write_catalog(directory / CATALOG_FILE, rows, labels, fields)
    if whitening is not None:
        whitening.save(directory / WHITENING_FILE)
    files = {path.name: file_ref(path) for path in sorted(directory.iterdir())}
    created_at = datetime.now(UTC).replace(microsecond=0)
    # Two runs that end in the same second may share a name only if they share every byte: names are for ever.
    manifest = Manifest(
        version=f"{created_at:%Y%m%dT%H%M%SZ}-{_digest(files)[:8]}",
        created_at=created_at,
        contents=contents,
        model=model,
        index=measure_index(index_path, vectors, parameters),
        catalog=catalog,
        files=files,
    )
    (directory / MANIFEST_FILE).write_bytes(manifest.model_dump_json(indent=1).encode())
    return StagedBundle(manifest, directory, model_directory)


def describe_model(directory: Path) -> ModelRef:
    """The encoder in a folder that `vitrine export` wrote. Raises BundleCorrupt."""
    spec = EncoderSpec.read(directory / SPEC_FILE)
    files = {name: file_ref(directory / name) for name in (ENCODER_FILE, SPEC_FILE)}
    return ModelRef(
        fingerprint=model_fingerprint(files),
        source=spec.source,
        pooling=spec.pooling,
        precision=spec.precision,
        dim=spec.dim,
        files=files,
    )


def _digest(files: Mapping[str, FileRef]) -> str:
    return hashlib.sha256("".join(files[name].sha256 for name in sorted(files)).encode()).hexdigest()


def digest_contents(
    rows: Sequence[CatalogRow], digests: Sequence[str], model: ModelRef, parameters: IndexParameters
) -> str:
    """A hash over all that makes two bundles serve differently: products, photos, model and index parameters."""
    hasher = hashlib.sha256(f"{model.fingerprint} {parameters}\n".encode())
    for row, digest in zip(rows, digests, strict=True):
        fields = json.dumps(dict(row.fields), sort_keys=True, default=str)
        hasher.update(json.dumps([row.id, row.image, fields, digest]).encode())
    return hasher.hexdigest()
