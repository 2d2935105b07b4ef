"""A shop whose catalog changes while shoppers are on their way, through the real bundle writer and store."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from rich.progress import Progress

from export.bundle.build_index import IndexParameters
from export.bundle.content import BuildOptions
from export.bundle.update_bundle import read_base, update_bundle
from export.bundle.write_bundle import describe_model
from export.photos.read_catalog import CatalogRow
from export.store.rollback import roll_back
from handler.stores.store import DirectoryStore
from tests.tiny_encoder import DIM, write_tiny_encoder

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Goods:
    """Catalogs by product: how often each was photographed and had its fields written."""

    products: dict[str, tuple[int, int]]
    known: frozenset[str]
    """Every product that was published up to this catalog; an answer may name any of them."""
    model: int
    vector_space: str
    """Also changes without another model: when a catalog has grown enough for its first projection."""


@dataclass
class _Products:
    rows: list[CatalogRow]
    digests: list[str]
    vectors: NDArray[np.float32]


@dataclass
class ChangingShop:
    """What is served now, as a plain dictionary, beside the store that should say the same."""

    folder: Path
    now: Goods = field(default_factory=lambda: Goods({}, frozenset(), 0, ""))
    _versions: dict[str, Goods] = field(default_factory=dict)
    _ever: frozenset[str] = frozenset()

    @property
    def bundles(self) -> Path:
        return self.folder / "bundles"

    @property
    def versions(self) -> int:
        return len(self._versions)

    def publish(self, products: dict[str, tuple[int, int]], model: int) -> None:
        self._ever |= products.keys()
        encoder = self.folder / f"encoder-{model}"
        if not encoder.exists():
            write_tiny_encoder(encoder, seed=model)
        store = DirectoryStore(self.bundles)
        rows = [
            CatalogRow(one, f"{one}-{photo}.jpg", {"written": written}) for one, (photo, written) in products.items()
        ]
        seeds = [f"{model} {one} {photo}" for one, (photo, _) in products.items()]
        vectors = np.stack([_vector(seed) for seed in seeds])
        content = _Products(rows, [hashlib.sha256(seed.encode()).hexdigest() for seed in seeds], vectors)
        options = BuildOptions(describe_model(encoder), encoder, IndexParameters(m=8), Progress(disable=True))
        outcome = update_bundle(content, store, read_base(store), options)
        if outcome.published:
            self._versions[outcome.manifest.version] = Goods(products, self._ever, model, outcome.manifest.vector_space)
        self.now = self._versions[outcome.manifest.version]

    def roll_back(self, which: int) -> None:
        """To one of all versions, by its number."""
        _, pointer = roll_back(DirectoryStore(self.bundles), list(self._versions)[which % self.versions])
        self.now = self._versions[pointer.version]


def _vector(seed: str) -> NDArray[np.float32]:
    rng = np.random.default_rng([*hashlib.sha256(seed.encode()).digest()])
    vector = rng.normal(size=DIM)
    return (vector / np.linalg.norm(vector)).astype(np.float32)
