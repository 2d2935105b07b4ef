"""Sets of labels with fast counting, membership tests and random draws."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import random
    from collections.abc import Collection, Iterable

    from numpy.typing import NDArray


class LabelSet:
    """An immutable, sorted set of labels."""

    def __init__(self, labels: NDArray[np.int64]) -> None:
        self.labels = np.sort(labels)

    def __len__(self) -> int:
        return len(self.labels)

    def __contains__(self, label: int) -> bool:
        return 0 <= label < len(self._mask) and self._mask[label] == 1

    def among(self, labels: Iterable[int]) -> set[int]:
        """Those of `labels` that are in the set."""
        return {label for label in labels if label in self}

    def without(self, shown: Collection[int]) -> NDArray[np.int64]:
        """The labels that are not in `shown`, in ascending order."""
        return self.labels[~np.isin(self.labels, _as_array(shown))]

    def count_without(self, shown: Collection[int]) -> int:
        """The number of labels not in `shown`; the cost depends on `shown`, not on the set."""
        return len(self) - sum(label in self for label in shown)

    def draw(self, count: int, shown: Collection[int], rng: random.Random) -> list[int]:
        """Draw `count` labels not in `shown`, uniformly at random without replacement; fewer if fewer are left.

        Uses rejection sampling while most of the set is unseen, so the cost does not grow with the catalog.
        """
        left = self.count_without(shown)
        wanted = min(count, left)
        if left * 2 < len(self) or left <= 4 * count:
            return rng.sample(self.without(shown).tolist(), wanted)
        drawn: dict[int, None] = {}
        while len(drawn) < wanted:
            label = int(self.labels[rng.randrange(len(self))])
            if label not in shown:
                drawn[label] = None
        return list(drawn)

    @cached_property
    def _mask(self) -> bytes:
        # Indexing bytes takes a third of the time of indexing an array, and hnswlib tests every vector it visits.
        mask = np.zeros(int(self.labels[-1]) + 1 if len(self.labels) else 0, dtype=np.uint8)
        mask[self.labels] = 1
        return mask.tobytes()


def _as_array(labels: Collection[int]) -> NDArray[np.int64]:
    return np.fromiter(labels, dtype=np.int64, count=len(labels))
