"""A smaller catalog out of a large one, each category as large as another."""

from __future__ import annotations

from collections import defaultdict
from itertools import chain, zip_longest
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from export.photos.read_catalog import CatalogRow


def sample_products(rows: Sequence[CatalogRow], count: int, seed: int) -> list[CatalogRow]:
    """`count` of `rows` in their order, drawn evenly over the field `category`; all if there are no more.

    A category that is too small for its share gives all it has, and the others make up for it.
    """
    by_category: dict[str, list[int]] = defaultdict(list)
    for place in np.random.default_rng(seed).permutation(len(rows)).tolist():
        by_category[str(rows[place].fields.get("category"))].append(place)
    in_turns = chain.from_iterable(zip_longest(*(by_category[name] for name in sorted(by_category))))
    drawn = [place for place in in_turns if place is not None][:count]
    return [rows[place] for place in sorted(drawn)]
