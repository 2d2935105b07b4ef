"""The mean of the liked unit embeddings, and how likes change it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from handler.products.engine import NeighborIndex


class Preference:
    """Mean of the liked unit embeddings, float32 (dim,), and their number."""

    def __init__(self, mean: NDArray[np.float32], count: int) -> None:
        self._mean = mean
        self.count = count

    @property
    def mean(self) -> NDArray[np.float32]:
        return self._mean

    @property
    def dim(self) -> int:
        return len(self._mean)


def with_likes(
    preference: Preference | None, before: Sequence[int], news: Sequence[int], index: NeighborIndex
) -> Preference | None:
    """The preference after also liking `news`.

    While every liked product is in the catalog the mean is computed afresh, so that the token's quantization error does
    not accumulate. Once a liked product has left the catalog, only the token's copy remembers it.
    """
    if not news:
        return preference
    if exact := _exact(preference.count if preference else 0, before, news, index):
        return exact
    _, vectors = index.vectors(news)
    return merge(preference, vectors, sign=1)


def without_likes(
    preference: Preference | None, before: Sequence[int], undone: Sequence[int], index: NeighborIndex
) -> Preference | None:
    """The preference before `undone` was liked. Products that have left the catalog cannot be subtracted."""
    if not undone or preference is None:
        return preference
    known, vectors = index.vectors(undone)
    left = preference.count - len(known)
    if left <= 0:
        return None
    return _exact(left, before, (), index) or merge(preference, vectors, sign=-1)


def _exact(counted: int, before: Sequence[int], news: Sequence[int], index: NeighborIndex) -> Preference | None:
    """The mean over all likes, or None if the catalog lacks one of the `counted` ones (a removed product, a photo)."""
    if counted != len(before):
        return None
    known, vectors = index.vectors((*before, *news))
    if len(known) != len(before) + len(news):
        return None
    return Preference(vectors.sum(axis=0) / len(known), len(known))


def merge(preference: Preference | None, vectors: NDArray[np.float32], sign: int) -> Preference | None:
    """Add vectors to a running mean (sign 1) or subtract them (sign -1)."""
    count = (preference.count if preference else 0) + sign * len(vectors)
    if count <= 0:
        return None
    total = vectors.sum(axis=0) * sign
    if preference is not None:
        total = total + preference.mean * preference.count
    return Preference((total / count).astype(np.float32), count)
