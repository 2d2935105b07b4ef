"""Tuning a bundle to the values of one of its fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from export.bundle.tune_bundle import TunableBundle, Tuning
from export.bundle.tune_to_groups import fit_to_groups, try_groups
from handler.errors import CatalogError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from rich.progress import Progress

    from export.photos.read_catalog import CatalogRow
    from handler.stores.store import BundleStore


def tune_by_field(store: BundleStore, field: str, progress: Progress) -> Tuning:
    """Tune the current bundle of `store` to the values of `field`, and publish it if the trial wins.

    Products without the field say nothing: they are left out of the fit and get tuned vectors, too. A later `vitrine
    index` keeps the tuned projection; running sessions end. Raises CatalogError for a field or a catalog that cannot be
    tuned by, PublishConflict, BundleError.
    """
    current = TunableBundle(store)
    named, groups = _groups(current.rows, field)
    trial = try_groups(current.vectors[named], groups)
    if not trial.wins:
        return Tuning(trial, None)
    return Tuning(trial, current.publish(fit_to_groups(current.vectors[named], groups), progress))


def _groups(rows: Sequence[CatalogRow], by: str) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """The places of the rows that have the field, and the number of each one's value. Raises CatalogError."""
    values = [row.fields.get(by) for row in rows]
    named = [place for place, value in enumerate(values) if isinstance(value, str)]
    if not named:
        raise CatalogError(
            f"No product has a text in the field {by!r}.",
            field="by",
            value=by,
            remedy="Name a field that has one text for each product, such as `category`.",
        )
    _, groups = np.unique([str(values[place]) for place in named], return_inverse=True)
    return np.asarray(named, dtype=np.intp), groups.astype(np.int64)
