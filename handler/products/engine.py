"""The contract of an engine, which holds a bundle's vectors and products.

hnswlib with SQLite implements it in files (`neighbors`, `catalog`). One contract suite in tests/handler/products runs
on every engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    import random
    from collections.abc import Collection, Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from handler.manifest import CatalogInfo
    from handler.products.filters import Filter


class Neighbor(NamedTuple):
    label: int
    score: float
    """Cosine similarity to the query if the query has length 1."""


class Product(NamedTuple):
    label: int
    id: str
    image: str
    """Path below the photos' root, with forward slashes."""
    fields: str
    """The text of a JSON object. It goes into answers as it is, neither parsed nor written again."""


class Candidates(Protocol):
    """The products that a page may show: all of them, or those that pass a filter."""

    def __len__(self) -> int: ...

    def among(self, labels: Iterable[int]) -> set[int]:
        """Those of `labels` that are candidates."""

    def count_without(self, shown: Collection[int]) -> int:
        """The number of candidates that are not in `shown`."""

    def draw(self, count: int, shown: Collection[int], rng: random.Random) -> list[int]:
        """Draw `count` candidates not in `shown`, uniformly without replacement; fewer only if fewer are left."""


class NeighborIndex(Protocol):
    """The operations on vectors that recommending needs."""

    @property
    def dim(self) -> int: ...

    @property
    def everything(self) -> Candidates: ...

    def load(self) -> None:
        """Load now what the first search would load. Raises BundleCorrupt."""

    def nearest(
        self,
        query: NDArray[np.float32],
        count: int,
        *,
        excluded: Collection[int] = (),
        allowed: Candidates | None = None,
    ) -> list[Neighbor]:
        """The `count` labels with the largest inner product with `query` (dim,), best first.

        None is in `excluded` (a set, for speed) and all are in `allowed`, which comes from the catalog of the same
        engine. Fewer than `count` only if fewer exist.
        """

    def neighborhood(
        self, query: NDArray[np.float32], count: int, *, excluded: Collection[int], allowed: Candidates | None
    ) -> tuple[list[int], NDArray[np.float32]]:
        """Labels near `query`, for a closer look, and their unit vectors (n, dim).

        Of the `count` that `nearest` would find at least half, whichever are found quickly.
        """

    def expect(self, labels: Collection[int]) -> None:
        """These vectors will be wanted soon: an engine on a server reads them together with the next products."""

    def vectors(self, labels: Sequence[int] | NDArray[np.int64]) -> tuple[list[int], NDArray[np.float32]]:
        """Those of `labels` that the index holds, in the order given, and their unit vectors (n, dim)."""


class ProductCatalog(Protocol):
    """The operations on products that a request needs."""

    @property
    def info(self) -> CatalogInfo: ...

    def by_labels(self, labels: Sequence[int]) -> dict[int, Product]:
        """Those of `labels` that are still in the catalog, with their products."""

    def by_id(self, product_id: str) -> Product | None: ...

    def has_image(self, image: str) -> bool: ...

    def labels_of(self, ids: Sequence[str]) -> dict[str, int]:
        """Labels by id, retired products included, since a shopper may still see one."""

    def passing(self, wanted: Filter) -> Candidates:
        """The products that pass a filter. Raises InvalidFilter."""
