"""From vectors to a published bundle: labels, whitening, index, recall, pointer. All sources of photos end here."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from export.bundle.fit_whitening import fit_whitening
from export.bundle.publish_bundle import publish
from export.bundle.write_bundle import digest_contents, write_bundle
from export.store.assign_labels import assign_labels
from export.store.known_labels import known_labels
from export.store.versions import pointer_or_none, read_manifest_of
from handler.errors import CatalogError
from handler.manifest import WHITENING_FILE, bundle_key
from handler.photos.whitening import Whitening

if TYPE_CHECKING:
    from rich.progress import Progress

    from export.bundle.build_index import IndexParameters
    from export.photos.embed_catalog import EmbeddedCatalog
    from handler.manifest import Manifest, ModelRef
    from handler.stores.store import BundleStore, Pointer


class Base(NamedTuple):
    """What a new bundle is built upon: the one that was current when this was read, if there was one."""

    pointer: Pointer | None
    manifest: Manifest | None


@dataclass(frozen=True)
class Outcome:
    """The bundle that serves the catalog now. `published` is False if the current one already did."""

    manifest: Manifest
    published: bool
    new: int
    """Products that the bundle before did not have."""
    removed: int
    """Products that only the bundle before had."""


def read_base(store: BundleStore) -> Base:
    """Raises BundleError, but for a store in which nothing is current."""
    pointer = pointer_or_none(store)
    return Base(pointer, read_manifest_of(store, pointer.version) if pointer else None)


def publish_catalog(
    catalog: EmbeddedCatalog,
    store: BundleStore,
    base: Base,
    model: ModelRef,
    model_directory: Path,
    parameters: IndexParameters,
    progress: Progress,
    *,
    refit: bool = False,
) -> Outcome:
    """Build, check and publish upon `base`; nothing if that serves exactly this already.

    Raises CatalogError if no photo can be used, RecallTooLow, PublishConflict, BundleError.
    """
    if not catalog.rows:
        raise CatalogError(
            f"None of the {len(catalog.skipped)} photos can be used; the first: "
            f"{next(iter(catalog.skipped.values()), 'there is none.')}",
            value=len(catalog.skipped),
        )
    earlier = base.manifest
    contents = digest_contents(catalog.rows, catalog.digests, model, parameters)
    if earlier and earlier.contents == contents and not refit:
        return Outcome(earlier, published=False, new=0, removed=0)
    known = known_labels(store, earlier)
    labels = assign_labels([row.id for row in catalog.rows], known)
    vectors = np.stack(catalog.vectors)
    whitening = (None if refit else _kept_whitening(store, earlier, model)) or fit_whitening(vectors)
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
        publish(store, staged, base.pointer.etag if base.pointer else None)
    return Outcome(
        staged.manifest,
        published=True,
        new=len(labels.current.keys() - known.current.keys()),
        removed=len(known.current.keys() - labels.current.keys()),
    )


def _kept_whitening(store: BundleStore, earlier: Manifest | None, model: ModelRef) -> Whitening | None:
    if earlier is None or earlier.whitening is None or earlier.model.fingerprint != model.fingerprint:
        return None
    path = store.fetch(bundle_key(earlier.version, WHITENING_FILE), earlier.whitening)
    return Whitening.load(path, model.dim)
