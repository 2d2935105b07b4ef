"""PyTorch to ONNX, through optimum: `pixel_values` (batch, 3, H, W) -> one output of the model, H and W fixed."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from export.model.quiet import quiet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from export.model.checkpoint import Checkpoint
    from export.model.families import Pooling

OPSET = 18
"""ReduceMean takes its axes as an input from here on; onnxruntime reads it since 1.14."""

MODEL_OUTPUT: dict[Pooling, str] = {
    "cls": "last_hidden_state",
    "mean": "last_hidden_state",
    "pooler": "pooler_output",
    "projection": "image_embeds",
}
"""pooling -> the one output of the transformers model that it starts from."""


def trace(checkpoint: Checkpoint, path: Path) -> None:
    """Write `checkpoint`'s model to `path` with MODEL_OUTPUT of its pooling as the only output; no pooling yet.

    Only the batch stays dynamic. Height and width are what the preprocessing yields, so everything computed from
    them, the position embeddings above all, is a constant of the file.
    """
    import torch
    from optimum.exporters.onnx import export, model_configs

    height, width = checkpoint.preprocessing.input_size
    output = MODEL_OUTPUT[checkpoint.pooling]
    base: Any = getattr(model_configs, checkpoint.family.onnx_config)

    class OneOutput(base):  # type: ignore[misc]  # the base is only known at run time
        inputs = {"pixel_values": {0: "batch"}}  # noqa: RUF012  read-only properties in optimum's classes
        outputs = {output: {0: "batch"}}  # noqa: RUF012

        def generate_dummy_inputs(self, *_arguments: object, **_options: object) -> dict[str, Any]:
            # optimum would draw them at the size of pre-training, which need not be ours.
            return {"pixel_values": torch.zeros(2, 3, height, width)}

    with quiet(), _constant_positions(checkpoint):
        export(
            checkpoint.model,
            OneOutput(checkpoint.model.config, task="feature-extraction"),
            path,
            opset=OPSET,
            disable_dynamic_axes_fix=True,
            model_kwargs=dict(checkpoint.forward_options),
        )


@contextlib.contextmanager
def _constant_positions(checkpoint: Checkpoint) -> Iterator[None]:
    """Inside, the model adds position embeddings already interpolated by PyTorch to this input size.

    DINOv2 always interpolates while it is traced, which would put the grid of its pre-training (37 x 37 of 384 floats,
    2 MB) and a bicubic Resize into the file, run again for every picture unless the runtime happens to fold it.
    """
    import torch

    model = checkpoint.model
    embeddings = getattr(model, "vision_model", model).embeddings
    original = getattr(embeddings, "interpolate_pos_encoding", None)
    if original is None:
        yield
        return
    seen: list[Any] = []

    def remember(*arguments: Any) -> Any:
        seen.append(original(*arguments))
        return seen[-1]

    embeddings.interpolate_pos_encoding = remember
    try:
        with torch.no_grad():
            model(torch.zeros(1, 3, *checkpoint.preprocessing.input_size), **checkpoint.forward_options)
        constant = seen[0].detach().clone() if seen else None
        embeddings.interpolate_pos_encoding = lambda *_arguments: constant
        yield
    finally:
        del embeddings.interpolate_pos_encoding
