from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from export.finetune import split_model
from export.finetune.split_model import SplitModel
from export.model import reference
from export.model.checkpoint import load_checkpoint
from handler.errors import ModelUnsupported
from tests.export.model.tiny_models import FAMILIES, write_checkpoint

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("family", FAMILIES)
def test_both_halves_make_the_whole_model(family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(split_model, "reduced_precision", torch.enable_grad)
    checkpoint = load_checkpoint(str(write_checkpoint(family, tmp_path / family, blocks=4)))
    pixels = np.random.default_rng(0).normal(size=(5, 3, *checkpoint.preprocessing.input_size)).astype(np.float32)
    whole = reference.embed_pixels(checkpoint, pixels)
    split = SplitModel(checkpoint)
    embeddings = split.embed(split.freeze(torch.from_numpy(pixels)))
    halves = torch.nn.functional.normalize(embeddings, dim=1)
    np.testing.assert_allclose(halves.detach().numpy(), whole, atol=1e-5)

    halves[:, 0].sum().backward()
    moved = {name for name, value in checkpoint.model.named_parameters() if value.grad is not None}
    trained = {id(value) for value in split.trained.parameters()}
    assert moved
    assert moved <= {name for name, value in checkpoint.model.named_parameters() if id(value) in trained}
    np.testing.assert_allclose(reference.embed_pixels(checkpoint, pixels), whole, atol=1e-6)


def test_a_model_without_blocks_to_freeze_is_refused(tmp_path: Path) -> None:
    checkpoint = load_checkpoint(str(write_checkpoint("vit", tmp_path / "vit")))
    with pytest.raises(ModelUnsupported, match="2 blocks") as refused:
        SplitModel(checkpoint)
    assert refused.value.limit == 3
