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
        """How many labels are not in `shown` (none below 0). The cost depends on `shown`, not on the set."""
        try:
            found = sum(map(self._mask.__getitem__, shown))  # a third of what numpy takes for a hundred labels
        except IndexError:  # labels beyond all of this set
            found = len(self.among(shown))
        return len(self) - found

    def draw(self, count: int, shown: Collection[int], rng: random.Random) -> list[int]:
        """Draw `count` labels not in `shown`, uniformly at random without replacement; fewer if fewer are left.

        Uses rejection sampling while most of the set is unseen, so the cost does not grow with the catalog.
        """
        # Counting takes longer than drawing, and rarely decides.
        if not self._mostly_left(len(self) - len(shown), count):
            left = self.count_without(shown)
            if not self._mostly_left(left, count):
                return rng.sample(self.without(shown).tolist(), min(count, left))
        drawn: dict[int, None] = {}
        total = len(self.labels)
        while len(drawn) < count:
            label = int(self.labels[int(rng.random() * total)])  # as random.choices does; randrange takes longer
            if label not in shown:
                drawn[label] = None
        return list(drawn)

    def _mostly_left(self, left: int, count: int) -> bool:
        """Whether `count` of `left` unseen labels are found after a few attempts."""
        return left * 2 >= len(self) and left > 4 * count

    @cached_property
    def _flags(self) -> NDArray[np.uint8]:
        """1 for each label of the set, by label, and a 0 at the end."""
        flags = np.zeros(int(self.labels.max(initial=-1)) + 2, dtype=np.uint8)
        flags[self.labels] = 1
        return flags

    @cached_property
    def _mask(self) -> bytes:
        # Indexing bytes takes a third of the time of indexing an array, and hnswlib tests every vector it visits.
        return self._flags.tobytes()


def _as_array(labels: Collection[int]) -> NDArray[np.int64]:
    return np.fromiter(labels, dtype=np.int64, count=len(labels))
