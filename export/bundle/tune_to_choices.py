"""Tuning to shoppers' choices: what they liked on a page, given what they had liked before.

A choice compares the liked product with those passed over on the same page, so it does not matter which products the
shop showed. The directions come from one step of OASIS (Chechik, Sharma, Shalit and Bengio 2010) from the identity,
averaged over all choices and kept symmetric; its triplets are the earlier likes, the liked product, and the others.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from export.bundle.tune_projection import Trial, even_out, join, tuned
from handler.errors import CatalogError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from export.bundle.event_log import AnsweredPage

MIN_SESSIONS = 100
MAX_SESSIONS = 10_000
"""More do not change the projection, and take memory."""
MIN_CHOICES = 100
FOLDS = 3
"""Of sessions and of products: 9 fits."""
REGIONS = 30
"""Parts of the vector space, of which a third are held out at a time."""


class Choice(NamedTuple):
    """One like. Products are rows of the vectors."""

    session: int
    liked: int
    earlier: tuple[int, ...]
    """What the session had liked before."""
    passed: tuple[int, ...]
    """What else the page showed."""

    def among(self, kept: NDArray[np.bool_]) -> Choice | None:
        """The choice without products outside `kept` (n,); None if too little is left."""
        earlier, passed = (tuple(row for row in rows if kept[row]) for rows in (self.earlier, self.passed))
        return Choice(self.session, self.liked, earlier, passed) if kept[self.liked] and earlier and passed else None


def choices_of(sessions: Iterable[Sequence[AnsweredPage]], rows: dict[int, int]) -> list[Choice]:
    """The choices of `sessions`; `rows` gives the row of each label in the catalog, and other labels are left out."""
    found = []
    for number, pages in enumerate(sessions):
        earlier: dict[int, None] = {}
        for page in pages:
            passed = tuple(rows[label] for label in page.shown if label in rows and label not in page.liked)
            liked = [rows[label] for label in page.liked if label in rows]
            shown = {rows.get(label) for label in page.shown}
            if earlier and passed:
                found += [Choice(number, row, tuple(earlier), passed) for row in liked if row in shown]
            earlier |= dict.fromkeys(liked)
    return found


def fit_to_choices(vectors: NDArray[np.float32], choices: Sequence[Choice]) -> NDArray[np.float64]:
    """The matrix (dim, dim) that tunes unit `vectors` (n, dim) to `choices`; see `tune_projection`."""
    likes = sorted({(choice.session, row) for choice in choices for row in (*choice.earlier, choice.liked)})
    sessions, rows = np.asarray(likes).T
    _, numbers = np.unique(sessions, return_inverse=True)
    even = even_out(vectors[rows], numbers)
    evened = tuned(vectors, even)
    return even @ join(evened, preferred(evened, choices))


def preferred(vectors: NDArray[np.float32], choices: Sequence[Choice]) -> NDArray[np.float64]:
    """The directions (k, dim) in which liked products agree with earlier likes, longer the more they do."""
    taste = _means(vectors, [choice.earlier for choice in choices])
    gain = vectors[[choice.liked for choice in choices]] - _means(vectors, [choice.passed for choice in choices])
    agreement = taste.T @ gain / len(choices)
    strengths, axes = np.linalg.eigh((agreement + agreement.T) / 2)
    # Choices at random agree as often as they disagree: the strongest disagreement shows what chance does.
    found = strengths > max(0, -strengths[0])
    directions: NDArray[np.float64] = (axes[:, found] * np.sqrt(strengths[found])).T
    return directions


def try_choices(vectors: NDArray[np.float32], choices: Sequence[Choice], seed: int = 0) -> Trial:
    """Measure the choices with vectors tuned to other sessions and other products, and to other regions.

    The measure is the share of products passed over that are farther from the earlier likes than the liked one; 0.5 is
    chance. Sessions and products are divided into FOLDS, and a choice is measured after a fit that lacks its session's
    fold and its product's. For regions, a fit lacks the liked product's third of the vector space. Only products passed
    over that the fit lacks, too, are compared: a fit moves the products it knows. A gain has to exceed one standard
    error over sessions (Breiman, Friedman, Olshen and Stone 1984).

    Raises CatalogError for fewer than MIN_CHOICES choices that can be measured.
    """
    rng = np.random.default_rng(seed)
    session_folds = rng.integers(FOLDS, size=1 + max((choice.session for choice in choices), default=0))
    product_folds = rng.integers(FOLDS, size=len(vectors))
    anchors = vectors[rng.choice(len(vectors), min(REGIONS, len(vectors)), replace=False)]
    thirds = (vectors @ anchors.T).argmax(axis=1) % 3
    products = _Measured()
    for own_sessions, own_products in itertools.product(range(FOLDS), range(FOLDS)):
        held_out = product_folds == own_products
        inside = [choice for choice in choices if session_folds[choice.session] == own_sessions]
        outside = [choice for choice in choices if session_folds[choice.session] != own_sessions]
        products.add(vectors, _among(outside, ~held_out), inside, held_out)
    regions = _Measured()
    for third in range(3):
        regions.add(vectors, _among(choices, thirds != third), choices, thirds == third)
    return Trial(products.means(), regions.means(), products.standard_error())


class _Measured:
    """Shares of passed-over products that the liked ones beat, choice by choice."""

    def __init__(self) -> None:
        self._sessions: list[int] = []
        self._before: list[float] = []
        self._after: list[float] = []

    def add(
        self,
        vectors: NDArray[np.float32],
        fitted: Sequence[Choice],
        choices: Sequence[Choice],
        held_out: NDArray[np.bool_],
    ) -> None:
        """Measure the `choices` between products of `held_out` (n,), before and after a fit to `fitted`."""
        measured = [
            choice._replace(passed=passed)
            for choice in choices
            if held_out[choice.liked] and (passed := tuple(row for row in choice.passed if held_out[row]))
        ]
        if not fitted or not measured:
            return
        self._sessions += [choice.session for choice in measured]
        self._before += _beaten(vectors, measured)
        self._after += _beaten(tuned(vectors, fit_to_choices(vectors, fitted)), measured)

    def means(self) -> tuple[float, float]:
        if len(self._sessions) < MIN_CHOICES:
            raise CatalogError(
                f"{len(self._sessions)} choices are too few to measure what tuning would gain.",
                field="by_events",
                value=len(self._sessions),
                limit=MIN_CHOICES,
                remedy="Pass the log of a longer time: a choice is a like on a page after an earlier like.",
            )
        return float(np.mean(self._before)), float(np.mean(self._after))

    def standard_error(self) -> float:
        """Of the gain; choices of one session depend on each other."""
        gains = np.asarray(self._after) - np.asarray(self._before)
        _, sessions = np.unique(self._sessions, return_inverse=True)
        totals = np.bincount(sessions, gains - gains.mean())
        return float(np.sqrt((totals**2).sum()) / len(gains))


def _among(choices: Sequence[Choice], kept: NDArray[np.bool_]) -> list[Choice]:
    return [choice for one in choices if (choice := one.among(kept)) is not None]


def _beaten(vectors: NDArray[np.float32], choices: Sequence[Choice]) -> list[float]:
    shares = []
    for choice in choices:
        taste = vectors[list(choice.earlier)].sum(axis=0)
        shares.append(float(np.mean(vectors[list(choice.passed)] @ taste < vectors[choice.liked] @ taste)))
    return shares


def _means(vectors: NDArray[np.float32], groups: Sequence[Sequence[int]]) -> NDArray[np.float64]:
    """The mean vector of each group of rows, (number of groups, dim)."""
    return np.stack([vectors[list(rows)].mean(axis=0, dtype=np.float64) for rows in groups])
