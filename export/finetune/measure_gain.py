"""What a model finds on photos that it was not trained on, compared as a bundle would compare them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from export.bundle.fit_projection import fit_projection

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from export.finetune.hold_out import HeldOut

NEIGHBORS = 10


@dataclass(frozen=True)
class Findings:
    """Shares of what was looked for, each from 0 to 1."""

    same_photo: float
    """Held-out photos that are found first by another view of themselves."""
    same_kind: float | None = None
    """Precision@10 of the held-out photos among all photos; None without kinds."""
    same_new_kind: float | None = None
    """Precision@10 of the photos of held-out kinds among all photos; None without kinds."""


@dataclass(frozen=True)
class Gain:
    """Findings before and after fine-tuning."""

    before: Findings
    after: Findings

    @property
    def wins(self) -> bool:
        """With kinds: more of the same kind on held-out photos and no less on held-out kinds. Else: the same photo."""
        before, after = self.before, self.after
        if before.same_kind is None or before.same_new_kind is None:
            return after.same_photo > before.same_photo
        assert after.same_kind is not None  # noqa: S101  one catalog gives both
        assert after.same_new_kind is not None  # noqa: S101
        return after.same_kind > before.same_kind and after.same_new_kind >= before.same_new_kind


def measure(photos: NDArray[np.float32], views: NDArray[np.float32], held_out: HeldOut) -> Findings:
    """Judge unit vectors (n, dim) of all `photos`, and of a view of each that is held out, both in catalog order.

    The vectors are compared through the projection that the photos trained on get, as `vitrine index` fits it.
    """
    projection = fit_projection(photos[held_out.trained])
    if projection is not None:
        photos, views = projection.apply(photos), projection.apply(views)
    unseen = np.concatenate([held_out.photos, held_out.of_new_kinds])
    first = unseen[(views[unseen] @ photos[unseen].T).argmax(axis=1)]
    same_photo = float((first == unseen).mean())
    if not held_out.by_kind:
        return Findings(same_photo)
    everyone = np.sort(np.concatenate([held_out.trained, unseen]))
    return Findings(
        same_photo,
        _precision(photos, held_out.kinds, held_out.photos, everyone),
        _precision(photos, held_out.kinds, held_out.of_new_kinds, everyone),
    )


def _precision(
    vectors: NDArray[np.float32], kinds: NDArray[np.int64], queries: NDArray[np.int64], pool: NDArray[np.int64]
) -> float:
    """Mean share of the NEIGHBORS nearest others of `pool` that are of the query's kind."""
    scores = vectors[queries] @ vectors[pool].T
    scores[queries[:, None] == pool[None]] = -np.inf
    nearest = pool[np.argpartition(-scores, NEIGHBORS, axis=1)[:, :NEIGHBORS]]
    return float((kinds[nearest] == kinds[queries][:, None]).mean())
