"""The photos that fine-tuning does not see, and what it is judged by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from handler.errors import CatalogError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from export.photos.read_catalog import CatalogRow

HELD_OUT = 5
"""Every fifth photo and every fifth kind."""
MIN_PHOTOS = 150
"""A fifth of fewer says too little about the rest."""
MIN_KINDS = 4
MIN_MEMBERS = 20
"""Photos of a kind that is held out: each looks for ten others."""


@dataclass(frozen=True)
class HeldOut:
    """The parts of a catalog; each photo is in one of them."""

    kinds: NDArray[np.int64]
    """(n,): the number of each photo's kind; a kind of its own for a photo that has none."""
    trained: NDArray[np.int64]
    """Places of the photos that are trained on."""
    photos: NDArray[np.int64]
    """Places of held-out photos, of kinds that are trained on."""
    of_new_kinds: NDArray[np.int64]
    """Places of the photos whose whole kind is held out; empty without kinds."""

    @property
    def by_kind(self) -> bool:
        """Whether photos share kinds at all."""
        return len(self.of_new_kinds) > 0

    def without(self, missing: NDArray[np.bool_]) -> HeldOut:
        """The same parts without the photos where `missing` (n,) is true."""
        trained, photos, new = (part[~missing[part]] for part in (self.trained, self.photos, self.of_new_kinds))
        return HeldOut(self.kinds, trained, photos, new)


def hold_out(rows: Sequence[CatalogRow], by: str | None) -> HeldOut:
    """Divide `rows` at random, always the same way. Their kind is the text in the field `by`.

    Raises CatalogError for fewer than MIN_PHOTOS photos, and for a field without MIN_KINDS values or with one of fewer
    than MIN_MEMBERS photos.
    """
    if len(rows) < MIN_PHOTOS:
        raise CatalogError(
            f"{len(rows)} photos are too few to fine-tune with.",
            field="finetune",
            value=len(rows),
            limit=MIN_PHOTOS,
            remedy=f"Pass at least {MIN_PHOTOS} photos; thousands teach more.",
        )
    rng = np.random.default_rng(0)
    kinds = np.arange(len(rows))
    new_kinds = np.zeros(len(rows), dtype=bool)
    if by is not None:
        kinds, named = _kinds(rows, by)
        new_kinds = np.isin(kinds, rng.permutation(named)[: max(1, len(named) // HELD_OUT)])
    known = rng.permutation(np.flatnonzero(~new_kinds))
    count = len(known) // HELD_OUT
    return HeldOut(kinds, np.sort(known[count:]), np.sort(known[:count]), np.flatnonzero(new_kinds))


def _kinds(rows: Sequence[CatalogRow], by: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(n,) numbers of the rows' kinds, and the numbers that come from the field."""
    values = [row.fields.get(by) for row in rows]
    names = sorted({value for value in values if isinstance(value, str)})
    number = {name: place for place, name in enumerate(names)}
    kinds = np.asarray(
        [number[value] if isinstance(value, str) else len(names) + place for place, value in enumerate(values)]
    )
    sizes = np.bincount(kinds, minlength=len(names))[: len(names)]
    if len(names) < MIN_KINDS or sizes.min() < MIN_MEMBERS:
        raise CatalogError(
            f"The field {by!r} has {len(names)} values, the rarest with {sizes.min(initial=len(rows))} photos.",
            field="by",
            value=by,
            limit=f"{MIN_KINDS} values or more, each of at least {MIN_MEMBERS} photos",
            remedy="Name a field with a few common values, such as `category`, or omit --by.",
        )
    return kinds, np.arange(len(names))
