"""A bundle's files in a directory of their own, complete and ready to publish."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from export.bundle.build_index import build_index
from export.bundle.content import DEFAULT_TOKENIZER
from export.bundle.describe_fields import describe_fields
from export.bundle.fill_collection import fill_collection
from export.bundle.learn_words import learn_words
from export.bundle.measure_index import measure_index
from export.bundle.write_catalog import write_catalog
from export.bundle.write_texts import write_texts
from handler.errors import RecallTooLow
from handler.manifest import CATALOG_FILE, INDEX_FILE, MANIFEST_FILE, PROJECTION_FILE, WORDS_FILE, Manifest
from handler.model_files import TEXT_FILES, ModelRef, model_fingerprint
from handler.photos.encoder import SPEC_FILE, WEIGHTS_FILE, EncoderSpec
from handler.stores.store import file_ref

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from export.bundle.build_index import IndexParameters
    from export.bundle.content import BuildOptions, BundleContent
    from export.photos.read_catalog import CatalogRow
    from handler.file_ref import FileRef
    from handler.manifest import IndexInfo, Tokenizer


@dataclass(frozen=True)
class StagedBundle:
    """Files on disk, not yet published. `model_directory` holds the encoder's files."""

    manifest: Manifest
    directory: Path
    model_directory: Path


def write_bundle(directory: Path, content: BundleContent, options: BuildOptions) -> StagedBundle:
    """Build and check the index, write catalog, text index and manifest into `directory`, which must be empty.

    Raises RecallTooLow, and OSError if the disk is full; nothing is published then.
    """
    fields = describe_fields([row.fields for row in content.rows])
    labels = np.fromiter((content.labels.current[row.id] for row in content.rows), np.int64, len(content.rows))
    if options.collections is None:
        index, collection = _build_index(directory / INDEX_FILE, labels, content.vectors, options), None
    else:
        index, collection = fill_collection(options.collections, content, fields, options)
    catalog_path = directory / CATALOG_FILE
    catalog = write_catalog(catalog_path, content.rows, content.labels, fields)
    texts = ((content.labels.current[row.id], row.fields) for row in content.rows)
    write_texts(catalog_path, texts, content.tokenizer)
    words = learn_words(catalog_path, labels, content.vectors)
    if words is not None:
        words.save(directory / WORDS_FILE)
    if content.projection is not None:
        content.projection.save(directory / PROJECTION_FILE)
    files = {path.name: file_ref(path) for path in sorted(directory.iterdir())}
    created_at = datetime.now(UTC).replace(microsecond=0)
    # Two runs that end in the same second may share a name only if they share every byte: a name is never reused.
    manifest = Manifest(
        version=f"{created_at:%Y%m%dT%H%M%SZ}-{_digest(files)[:8]}",
        created_at=created_at,
        contents=content.digest,
        model=options.model,
        index=index,
        catalog=catalog.model_copy(update={"tokenizer": content.tokenizer}),
        files=files,
        collection=collection,
    )
    (directory / MANIFEST_FILE).write_bytes(manifest.model_dump_json(indent=1).encode())
    return StagedBundle(manifest, directory, options.model_directory)


def _build_index(
    path: Path, labels: NDArray[np.int64], vectors: NDArray[np.float32], options: BuildOptions
) -> IndexInfo:
    """Build with as few links as find enough. Raises RecallTooLow."""
    *fewer, last = options.parameters.to_try(len(vectors))
    for parameters in fewer:
        build_index(vectors, labels, parameters, path, options.progress)
        with suppress(RecallTooLow):
            return measure_index(path, vectors, parameters)
    build_index(vectors, labels, last, path, options.progress)
    return measure_index(path, vectors, last)


def describe_model(directory: Path) -> ModelRef:
    """Describe the encoder in a directory that `vitrine export` wrote. Raises BundleCorrupt."""
    spec = EncoderSpec.read(directory / SPEC_FILE)
    files = {name: file_ref(directory / name) for name in spec.files}
    if spec.runtime == "onnxruntime" and (directory / WEIGHTS_FILE).exists():
        files[WEIGHTS_FILE] = file_ref(directory / WEIGHTS_FILE)
    files |= {name: file_ref(directory / name) for name in sorted(TEXT_FILES) if (directory / name).exists()}
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
    rows: Sequence[CatalogRow],
    digests: Sequence[str],
    model: ModelRef,
    parameters: IndexParameters,
    tokenizer: Tokenizer = DEFAULT_TOKENIZER,
) -> str:
    """A hash of everything that decides what a bundle serves: products, photos, model, index parameters, tokenizer."""
    hasher = hashlib.sha256(f"{model.fingerprint} {parameters} {tokenizer}\n".encode())
    for row, digest in zip(rows, digests, strict=True):
        fields = json.dumps(dict(row.fields), sort_keys=True, default=str)
        hasher.update(json.dumps([row.id, row.image, fields, digest]).encode())
    return hasher.hexdigest()
