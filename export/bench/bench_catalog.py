"""The products of a benchmark as the shopper sees them: by number, with the judge's vectors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

MIN_NORM = 1e-6


@dataclass(frozen=True)
class BenchCatalog:
    """Products in the order of their ids; a product's number is its place."""

    name: str
    ids: tuple[str, ...]
    categories: NDArray[np.int64]
    """(n,) the number of each product's category; all 0 where the catalog has none."""
    judge: NDArray[np.float32]
    """Unit vectors (n, dim) whose inner products say how alike two products are to the shopper."""
    stores: Mapping[str, Path]
    """Bundle stores with just these products, by which vectors they hold (see arms)."""
    signing_key: str

    @cached_property
    def numbers(self) -> dict[str, int]:
        return {product_id: number for number, product_id in enumerate(self.ids)}

    @cached_property
    def category_count(self) -> int:
        return len(np.unique(self.categories))

    def cosines(self, target: int, page: Sequence[int]) -> NDArray[np.float32]:
        """How alike each product of a page is to one product, to the judge."""
        found: NDArray[np.float32] = self.judge[list(page)] @ self.judge[target]
        return found

    def likeness(self, page: Sequence[int]) -> float:
        """The mean over all pairs of a page's products (two or more)."""
        total = self.judge[list(page)].sum(axis=0)
        return float((total @ total - len(page)) / (len(page) * (len(page) - 1)))


def centered(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Unit vectors seen from their mean: a shopper compares products with each other, not with an empty page.

    What all photos share (one product on a plain ground) makes up most of a raw cosine and tells nothing apart.
    """
    moved = vectors - vectors.mean(axis=0)
    unit: NDArray[np.float32] = moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), MIN_NORM)
    return unit.astype(np.float32)
