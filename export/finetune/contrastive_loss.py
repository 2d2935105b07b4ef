"""Supervised contrastive loss."""

from __future__ import annotations

from typing import Any

TEMPERATURE = 0.1
"""Of the source; it found 0.1 best of 0.05 to 0.2."""


def contrastive_loss(vectors: Any, groups: Any) -> Any:
    """How far unit vectors (n, dim) are from being nearest to those of their own group (n,): a scalar tensor.

    Mean over vectors of the mean over their positives of -log softmax(inner product / TEMPERATURE) among all others:
    L_out of P. Khosla et al., "Supervised contrastive learning", NeurIPS 2020. With a group for each photo it is the
    loss of SimCLR. A vector without another of its group does not count.
    """
    import torch

    itself = torch.eye(len(vectors), dtype=torch.bool)
    logits = (vectors @ vectors.T / TEMPERATURE).masked_fill(itself, -torch.inf)
    shares = torch.log_softmax(logits, dim=1).masked_fill(itself, 0)
    positive = (groups[:, None] == groups[None]) & ~itself
    count = positive.sum(dim=1)
    counted = count > 0
    return -((shares * positive).sum(dim=1)[counted] / count[counted]).mean()
