"""From vectors to a published bundle: labels, projection, index, recall, pointer. Every way to index ends here."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from export.bundle.content import DEFAULT_TOKENIZER, BundleContent
from export.bundle.fit_projection import MIN_VECTORS, fit_projection, project
from export.bundle.publish_bundle import publish_bundle
from export.bundle.write_bundle import digest_contents, write_bundle
from export.store.assign_labels import assign_labels
from export.store.known_labels import known_labels
from export.store.versions import pointer_or_none, read_manifest_of
from handler.errors import CatalogError, ConfigurationError
from handler.manifest import bundle_key
from handler.photos.encoder import SPEC_FILE, EncoderSpec
from handler.photos.projection import Projection

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from export.bundle.content import BuildOptions
    from export.photos.read_catalog import CatalogRow
    from handler.manifest import Manifest
    from handler.model_files import ModelRef
    from handler.stores.pointer import Pointer
    from handler.stores.store import BundleStore


class Products(Protocol):
    """The products to publish: three sequences of the same length, in the same order."""

    @property
    def rows(self) -> Sequence[CatalogRow]: ...

    @property
    def digests(self) -> Sequence[str]:
        """SHA-256 of each product's photo."""

    @property
    def vectors(self) -> NDArray[np.float32]:
        """The encoder's unit vectors (n, dim), a writable array or memory map (see `vector_blocks.new_vectors`)."""


class Base(NamedTuple):
    """The bundle that was current when the run began, if there was one: a new bundle builds on it."""

    pointer: Pointer | None
    manifest: Manifest | None


@dataclass(frozen=True)
class Outcome:
    """The bundle that serves the catalog now. `published` is False if the current bundle did already."""

    manifest: Manifest
    published: bool
    new: int
    """Products that the earlier bundle lacks."""
    removed: int
    """Products that only the earlier bundle has."""


def read_base(store: BundleStore) -> Base:
    """Read what is current in `store`. Raises BundleError."""
    pointer = pointer_or_none(store)
    if pointer is None:
        return Base(None, None)
    return Base(pointer, read_manifest_of(store, pointer.version, pointer.current.manifest_sha256))


def update_bundle(
    products: Products, store: BundleStore, base: Base, options: BuildOptions, *, refit: bool = False
) -> Outcome:
    """Build, check and publish a bundle of `products` on top of `base`; do nothing if `base` serves exactly these.

    May overwrite `products.vectors` with the projected vectors. Raises CatalogError if there is no product,
    RecallTooLow, PublishConflict, BundleError, ConfigurationError (dimensions that cannot be had).
    """
    if not products.rows:
        raise CatalogError("There is no product to publish.", value=0, remedy="Index at least one usable photo.")
    earlier = base.manifest
    if not refit:
        _check_kept_dim(earlier, options)
    tokenizer = options.tokenizer or (earlier and earlier.catalog.tokenizer) or DEFAULT_TOKENIZER
    digest = digest_contents(products.rows, products.digests, options.model, options.parameters, tokenizer)
    moved = earlier is not None and (earlier.collection is None) != (options.collections is None)
    if earlier and earlier.contents == digest and not refit and not moved:
        return Outcome(earlier, published=False, new=0, removed=0)
    known = known_labels(store, base.pointer, earlier)
    labels = assign_labels([row.id for row in products.rows], known)
    projection = None if refit else _kept_projection(store, earlier, options.model)
    projection = projection or _fitted(products.vectors, options)
    vectors = products.vectors if projection is None else project(products.vectors, projection)
    content = BundleContent(products.rows, vectors, labels, digest, projection, tokenizer)
    with tempfile.TemporaryDirectory() as directory:
        staged = write_bundle(Path(directory), content, options)
        publish_bundle(store, staged, base.pointer)
    return Outcome(
        staged.manifest,
        published=True,
        new=len(labels.current.keys() - known.current.keys()),
        removed=len(known.current.keys() - labels.current.keys()),
    )


def _kept_projection(store: BundleStore, earlier: Manifest | None, model: ModelRef) -> Projection | None:
    if earlier is None or earlier.projection_file is None or earlier.model.fingerprint != model.fingerprint:
        return None
    name = earlier.projection_file
    path = store.fetch(bundle_key(earlier.version, name), earlier.files[name])
    return Projection.load(path, encoder_dim=model.dim, dim=earlier.index.dim)


def _fitted(vectors: NDArray[np.float32], options: BuildOptions) -> Projection | None:
    encoder = EncoderSpec.read(options.model_directory / SPEC_FILE)
    projection = fit_projection(vectors, encoder.whitening, encoder.parts, options.dim)
    if projection is None and options.dim not in (None, "auto", options.model.dim):
        raise ConfigurationError(
            f"The vectors of {len(vectors)} photos cannot be reduced to {options.dim} dimensions: that takes at least "
            f"{MIN_VECTORS} photos that differ.",
            field="dim",
            value=options.dim,
            limit=MIN_VECTORS,
            remedy="Leave out --dim.",
        )
    return projection


def _check_kept_dim(earlier: Manifest | None, options: BuildOptions) -> None:
    if earlier is None or earlier.model.fingerprint != options.model.fingerprint or not isinstance(options.dim, int):
        return
    if earlier.index.dim != options.dim:
        raise ConfigurationError(
            f"The current bundle has {earlier.index.dim} dimensions, not {options.dim}.",
            field="dim",
            value=options.dim,
            limit=earlier.index.dim,
            remedy="Add --refit to fit the projection again, which ends running sessions, or leave out --dim.",
        )
