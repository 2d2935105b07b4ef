"""What goes into a bundle, and how it is built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from rich.progress import Progress

    from export.bundle.build_index import IndexParameters
    from export.bundle.fit_projection import Dim
    from export.photos.read_catalog import CatalogRow
    from export.store.assign_labels import Labels
    from export.store.collections import Collections
    from handler.manifest import Tokenizer
    from handler.model_files import ModelRef
    from handler.photos.projection import Projection

DEFAULT_TOKENIZER: Tokenizer = "unicode61"


@dataclass(frozen=True)
class BuildOptions:
    """How to build a bundle."""

    model: ModelRef
    """The encoder that made the vectors."""
    model_directory: Path
    """Holds the encoder's files."""
    parameters: IndexParameters
    progress: Progress
    tokenizer: Tokenizer | None = None
    """Of the text index. None: that of the bundle before, or DEFAULT_TOKENIZER."""
    collections: Collections | None = None
    """Where the vectors and products go. None keeps them in the bundle's files."""
    dim: Dim = None
    """What a projection is fitted to; one that is kept keeps its own."""


@dataclass(frozen=True)
class BundleContent:
    """What a bundle serves: products with their labels, and their vectors in the order of the products."""

    rows: Sequence[CatalogRow]
    vectors: NDArray[np.float32]
    """(n, dim), unit vectors, after `projection` if there is one. May be a memory map."""
    labels: Labels
    digest: str
    """See `digest_contents`."""
    projection: Projection | None = None
    tokenizer: Tokenizer = DEFAULT_TOKENIZER
