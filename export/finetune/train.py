"""The training loop: its steps are a function of their number, so a killed run goes on as if nothing had happened."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from export.finetune.contrastive_loss import contrastive_loss
from export.finetune.frozen_views import VIEWS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray
    from rich.progress import Progress

    from export.finetune.frozen_views import FrozenViews
    from export.finetune.hold_out import HeldOut
    from export.finetune.split_model import SplitModel

PHOTOS_A_STEP = 32
LEARNING_RATE = 1e-4
WEIGHT_DECAY = 0.05
WARM_UP = 0.1
"""Share of the steps in which the learning rate rises; then it falls with a half cosine."""
SAVE_EVERY = 10
"""Steps that a killed run loses at most."""
STATE_FILE = "state.safetensors"
"""The trained blocks and what the optimizer remembers of them; no pickle."""
_BLOCKS = "blocks."
_OPTIMIZER = "optimizer."


def train(
    split: SplitModel,
    views: FrozenViews,
    held_out: HeldOut,
    compared: Callable[[Any], Any],
    epochs: int,
    directory: Path,
    progress: Progress,
) -> None:
    """Train the last blocks for `epochs`, from the state in `directory` if there is one.

    `compared` maps embeddings (n, dim) to the unit vectors that the loss compares. The loss is that of the photos, each
    a group of two views, or the mean of this and that of the kinds: kinds alone would make all of one kind alike.
    """
    import torch

    parameters = list(split.trained.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    each = max(1, len(held_out.trained) // PHOTOS_A_STEP)
    total = epochs * each
    start = _restore(directory / STATE_FILE, split, optimizer)
    task = progress.add_task("Fine-tuning", total=total, completed=start)
    for step in range(start, total):
        photos, shown = _batch(held_out.trained, step, each)
        vectors = compared(split.embed(torch.from_numpy(views.read(photos, shown))))
        loss = contrastive_loss(vectors, torch.from_numpy(photos))
        if held_out.by_kind:
            loss = (loss + contrastive_loss(vectors, torch.from_numpy(held_out.kinds[photos]))) / 2
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * _schedule(step, total)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == total:
            _save(directory / STATE_FILE, split, optimizer, step + 1)
        progress.update(task, advance=1, description=f"Fine-tuning, loss {loss.item():.3f}")


def _batch(trained: NDArray[np.int64], step: int, each: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Two views of each photo of a step: the places of the photos and the numbers of their views, both (2 n,)."""
    epoch, part = divmod(step, each)
    photos = np.array_split(np.random.default_rng([0, epoch]).permutation(trained), each)[part]
    rng = np.random.default_rng([1, step])
    pairs = np.stack([rng.choice(VIEWS, 2, replace=False) for _ in photos])
    return np.repeat(photos, 2), pairs.ravel()


def _schedule(step: int, total: int) -> float:
    warm = max(1, round(WARM_UP * total))
    if step < warm:
        return (step + 1) / warm
    return (1 + math.cos(math.pi * (step - warm) / max(1, total - warm))) / 2


def _save(path: Path, split: SplitModel, optimizer: Any, step: int) -> None:
    from safetensors.torch import save_file

    tensors = {f"{_BLOCKS}{name}": tensor.contiguous() for name, tensor in split.trained.state_dict().items()}
    for place, state in optimizer.state_dict()["state"].items():
        tensors |= {f"{_OPTIMIZER}{place}.{name}": tensor for name, tensor in state.items()}
    written = path.with_suffix(".part")
    save_file(tensors, written, metadata={"step": str(step)})
    written.replace(path)


def _restore(path: Path, split: SplitModel, optimizer: Any) -> int:
    """The number of steps done."""
    from safetensors import safe_open

    if not path.exists():
        return 0
    with safe_open(path, framework="pt") as file:
        step = int(file.metadata()["step"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  it is no mapping
    blocks = {name.removeprefix(_BLOCKS): tensor for name, tensor in tensors.items() if name.startswith(_BLOCKS)}
    split.trained.load_state_dict(blocks)
    states: dict[int, dict[str, Any]] = {}
    for name, tensor in tensors.items():
        if name.startswith(_OPTIMIZER):
            place, _, key = name.removeprefix(_OPTIMIZER).partition(".")
            states.setdefault(int(place), {})[key] = tensor
    optimizer.load_state_dict(optimizer.state_dict() | {"state": states})
    return step
