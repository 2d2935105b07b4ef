"""The gate: does an exported encoder find the neighbors that PyTorch finds? Cosine alone would hide that it does not.

A mean cosine of 0.995 sounds like nothing lost, and is what a quantizer's defaults reach while they exchange a quarter
of all neighbors. So the gate asks both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from handler.errors import ConfigurationError, ParityTooLow

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from export.model.quantize import Precision

NEIGHBORS = 10
MIN_PHOTOS = 50
"""With fewer, ten neighbors are most of all photos, and any file passes."""

_TIE = 1e-6
"""Cosine difference below which two neighbors are equally near: a few float32 roundings of a unit vector."""


@dataclass(frozen=True)
class Floors:
    """The least a file of one precision must reach."""

    cosine: float
    neighbors: float


# Measured on 600 clothing photos, DINOv2-S: cosine / neighbors 1.0000 / 1.000, 1.0000 / 0.998, 0.9999 / 0.956,
# 0.9992 / 0.874; the optimizer's default int8, which is to fail, has 0.995 / 0.73.
FLOORS: dict[Precision, Floors] = {
    "fp32": Floors(cosine=0.9999, neighbors=0.999),
    "fp16": Floors(cosine=0.9999, neighbors=0.99),
    "w8": Floors(cosine=0.999, neighbors=0.93),
    "int8": Floors(cosine=0.997, neighbors=0.87),
}

JOINED_FLOORS = FLOORS["int8"]
"""Whatever the precision of the parts: the graph resizes a part's pixels, which is not to the bit what Pillow does."""


@dataclass(frozen=True)
class Parity:
    """How close two encoders are on the same photos."""

    photos: int
    cosine_mean: float
    cosine_min: float
    neighbors_kept: float
    """Share of each photo's ten nearest others that are still among its ten nearest, averaged over photos."""


def measure_parity(reference: NDArray[np.float32], candidate: NDArray[np.float32]) -> Parity:
    """Compare unit vectors of the same photos in the same order, both (n, dim), n at least MIN_PHOTOS.

    Raises ConfigurationError for fewer photos.
    """
    if len(reference) < MIN_PHOTOS:
        raise ConfigurationError(
            f"{len(reference)} photos are too few to judge an export.",
            field="photos",
            value=len(reference),
            limit=MIN_PHOTOS,
            remedy=f"Pass --photos with at least {MIN_PHOTOS}; several hundred of your own judge best.",
        )
    cosines = np.einsum("nd,nd->n", reference, candidate)
    return Parity(
        photos=len(reference),
        cosine_mean=float(cosines.mean()),
        cosine_min=float(cosines.min()),
        neighbors_kept=float(_kept(_similarities(reference), _similarities(candidate)).mean()),
    )


def measure_text_parity(
    photos: tuple[NDArray[np.float32], NDArray[np.float32]], texts: tuple[NDArray[np.float32], NDArray[np.float32]]
) -> Parity:
    """Compare unit vectors of the same `photos` and of the same `texts`, each the reference's and the candidate's.

    `neighbors_kept` is the share of each text's ten nearest photos. As in a bundle, photos are compared by their
    differences from the mean photo, texts by those from the mean text.
    """
    middles = photos[0].mean(axis=0), texts[0].mean(axis=0)
    truth, found = (
        _unit(words - middles[1]) @ _unit(pictures - middles[0]).T
        for words, pictures in zip(texts, photos, strict=True)
    )
    cosines = np.einsum("nd,nd->n", *texts)
    return Parity(len(photos[0]), float(cosines.mean()), float(cosines.min()), float(_kept(truth, found).mean()))


def check_parity(parity: Parity, precision: Precision, what: str = "file") -> None:
    """Raise ParityTooLow, saying which floor `what` missed and by how much, unless it reaches both of `precision`."""
    _check(parity, FLOORS[precision], f"{precision} {what}", "precision", _REMEDY[precision])


def check_joined(parity: Parity) -> None:
    """Raise ParityTooLow unless `parity`, of a joined encoder with its parts in PyTorch, reaches JOINED_FLOORS."""
    remedy = "Pass the checkpoints that the parts were exported from, in the same order; or export the parts again."
    _check(parity, JOINED_FLOORS, "joined file", "join", remedy)


def _check(parity: Parity, floors: Floors, subject: str, field: str, remedy: str) -> None:
    # A NaN reaches nothing, hence the negations.
    if not parity.cosine_mean >= floors.cosine:
        measure, value, floor = "mean cosine to PyTorch", parity.cosine_mean, floors.cosine
    elif not parity.neighbors_kept >= floors.neighbors:
        measure, value, floor = "share of ten nearest neighbors kept", parity.neighbors_kept, floors.neighbors
    else:
        return
    raise ParityTooLow(
        f"The {subject}'s {measure} is {value:.5f} on {parity.photos} photos, below {floor}; nothing was written.",
        field=field,
        value=value,
        limit=floor,
        remedy=remedy,
    )


_REMEDY: dict[Precision, str] = {
    "fp32": "An fp32 file must do what PyTorch does: please report this checkpoint as a bug.",
    "fp16": "Use --precision fp32.",
    "w8": "Use --precision fp16.",
    "int8": "Use --precision w8, or keep fewer blocks with --layers.",
}


def _kept(truth: NDArray[np.float32], found: NDArray[np.float32]) -> NDArray[np.float64]:
    """Per row of cosines (n, photos), the share of ten largest in `found` that are no less than the tenth in `truth`.

    That is the overlap of both lists, except that photos equally near (copies of one file) may stand in for each other.
    """
    tenth = np.partition(truth, -NEIGHBORS, axis=1)[:, -NEIGHBORS]
    nearest = np.argpartition(-found, NEIGHBORS - 1, axis=1)[:, :NEIGHBORS]
    kept: NDArray[np.float64] = (np.take_along_axis(truth, nearest, axis=1) >= tenth[:, None] - _TIE).mean(axis=1)
    return kept


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def _similarities(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, n) cosines with the diagonal, every photo's nearest, out of the running."""
    similarities: NDArray[np.float32] = vectors @ vectors.T
    np.fill_diagonal(similarities, -np.inf)
    return similarities
