"""Bayesian search for the one product that a shopper has in mind.

Source: I. J. Cox, M. L. Miller, T. P. Minka, T. V. Papathomas and P. N. Yianilos, "The Bayesian image retrieval system,
PicHunter", IEEE Transactions on Image Processing 9(1), 2000. If product t is the target, a shopper picks j from a page
with probability softmax_j(t . x_j / TAU); the posterior multiplies that over every page.

The posterior lives on the candidates that its first-order expansion ranks highest. A nearest-neighbor query finds
them, so the cost of a round does not grow with the catalog.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from handler.products.engine import Neighbor
from handler.recommend.strategies.evidence import answered_pages
from handler.recommend.strategies.likelihood import TAU, Likelihood

if TYPE_CHECKING:
    from handler.products.engine import Candidates, NeighborIndex
    from handler.sessions.state import SessionState

CANDIDATES = 128
"""On 3,409 photos the full posterior finds a target no sooner; see export/bench/README.md."""


def bayes(state: SessionState, index: NeighborIndex, count: int, allowed: Candidates | None) -> list[Neighbor]:
    """The `count` most probable unseen products, scored by their share of the candidates' posterior."""
    likelihood = Likelihood(answered_pages(state), index)
    beyond = np.zeros(index.dim, dtype=np.float32)
    still_here = len(index.everything.among(state.liked))
    if state.preference is not None and state.preference.count > still_here:
        # A photo was liked, or a liked product has left the catalog: only the preference remembers it.
        beyond = state.preference.mean
    direction = likelihood.direction + beyond
    if not direction.any():
        return []
    found = index.nearest(direction, max(CANDIDATES, count), excluded=state.shown, allowed=allowed)
    if not found:
        return []
    labels, vectors = index.vectors([neighbor.label for neighbor in found])
    log_posterior = likelihood.log(vectors) + vectors @ beyond / TAU
    posterior = np.exp(log_posterior - log_posterior.max())
    posterior /= posterior.sum()
    best = np.argsort(-posterior, kind="stable")[:count]
    return [Neighbor(labels[row], float(posterior[row])) for row in best]
