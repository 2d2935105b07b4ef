import math

import numpy as np
import pytest
import torch

from export.finetune.contrastive_loss import TEMPERATURE, contrastive_loss


@pytest.mark.parametrize("groups", [[0, 0, 1, 1], [0, 0, 0, 1, 1], [0, 1, 0, 2]])
def test_it_is_the_formula_of_its_source(groups: list[int]) -> None:
    vectors = np.random.default_rng(0).normal(size=(len(groups), 6))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    losses = []
    for one, group in enumerate(groups):
        others = [other for other in range(len(groups)) if other != one]
        positives = [other for other in others if groups[other] == group]
        if not positives:
            continue
        total = sum(math.exp(vectors[one] @ vectors[other] / TEMPERATURE) for other in others)
        of_positives = [vectors[one] @ vectors[other] / TEMPERATURE - math.log(total) for other in positives]
        losses.append(-sum(of_positives) / len(positives))
    found = contrastive_loss(torch.from_numpy(vectors), torch.tensor(groups))
    assert found.item() == pytest.approx(sum(losses) / len(losses))


def test_it_falls_when_a_group_moves_together() -> None:
    apart = torch.nn.functional.normalize(torch.eye(4), dim=1)
    together = torch.nn.functional.normalize(
        apart + torch.tensor([[0.5, 0.5, 0, 0]] * 2 + [[0, 0, 0.5, 0.5]] * 2), dim=1
    )
    groups = torch.tensor([0, 0, 1, 1])
    assert contrastive_loss(together, groups) < contrastive_loss(apart, groups)
