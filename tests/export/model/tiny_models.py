"""Tiny checkpoints of every family with random weights, and photos to judge them by: what the export tests share.

Weights are drawn far wider than for training (`spread`), so that different pictures get different vectors
and a wrong pixel or weight changes neighbors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from rich.progress import Progress

from export.model.export_model import ExportReport, ExportRequest, export_model
from export.model.quiet import quiet

if TYPE_CHECKING:
    from pathlib import Path

SIDE = 32
PHOTOS = 64
FAMILIES = ("vit", "deit", "dinov2", "dinov2_with_registers", "clip_vision_model", "clip", "siglip_vision_model")

_SHAPE: dict[str, Any] = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 128,
    "image_size": SIDE,
    "patch_size": 8,
}
_COLOURS = {"image_mean": [0.48, 0.45, 0.40], "image_std": [0.27, 0.26, 0.28]}
_SQUARE = {"height": SIDE, "width": SIDE}


def write_checkpoint(
    family: str,
    out: Path,
    *,
    seed: int = 0,
    spread: float = 0.4,
    projected: bool = True,
    fresh: bool = False,
    blocks: int = 2,
) -> Path:
    """A `save_pretrained` directory of `family` with its usual image processor, at `out`; weights are N(0, spread).

    `fresh` leaves norms at one and biases at zero, as transformers initializes them: equal tensors, which the exporter
    merges.
    """
    import torch
    import transformers as tf

    torch.manual_seed(seed)
    shape = _SHAPE | {"initializer_range": spread, "num_hidden_layers": blocks}
    pixels: Any
    with quiet():
        match family:
            case "vit":
                model = tf.ViTModel(tf.ViTConfig(**shape), add_pooling_layer=False)
                pixels = tf.ViTImageProcessor(size=_SQUARE, resample=2)
            case "deit":
                model = tf.DeiTModel(tf.DeiTConfig(**shape), add_pooling_layer=False)
                pixels = tf.DeiTImageProcessor(size={"height": 36, "width": 36}, crop_size=_SQUARE, resample=3)
            case "dinov2":
                # Trained at 48 pixels, used at 32: position embeddings have to be interpolated, as in the real ones.
                model = tf.Dinov2Model(tf.Dinov2Config(**(shape | {"image_size": 48}), mlp_ratio=2))
                pixels = _bit_processor()
            case "dinov2_with_registers":
                config = tf.Dinov2WithRegistersConfig(**shape, mlp_ratio=2, num_register_tokens=3)
                model = tf.Dinov2WithRegistersModel(config)
                pixels = _bit_processor()
            case "clip_vision_model":
                kind = tf.CLIPVisionModelWithProjection if projected else tf.CLIPVisionModel
                model = kind(tf.CLIPVisionConfig(**shape, projection_dim=24))
                pixels = tf.CLIPImageProcessor(size={"shortest_edge": SIDE}, crop_size=_SQUARE)
            case "clip":
                text = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
                config = tf.CLIPConfig(
                    text_config=text, vision_config=shape | {"projection_dim": 24}, projection_dim=24
                )
                model = tf.CLIPModel(config)
                pixels = tf.CLIPImageProcessor(size={"shortest_edge": SIDE}, crop_size=_SQUARE)
            case "siglip_vision_model":
                model = tf.SiglipVisionModel(tf.SiglipVisionConfig(**shape))
                pixels = tf.SiglipImageProcessor(size=_SQUARE, resample=3)
            case _:
                raise ValueError(family)
        if not fresh:
            _spread(model)
        model.save_pretrained(out)
        pixels.save_pretrained(out)
    return out


def write_photos(folder: Path, count: int = PHOTOS, *, seed: int = 0) -> Path:
    """`count` PNG pictures of random sizes: a gradient, three rectangles, some noise; no two alike."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(seed)
    for number in range(count):
        height, width = random.integers(20, 90, size=2)
        ramp = np.linspace(random.uniform(0, 255, 3), random.uniform(0, 255, 3), width)
        picture = np.repeat(ramp[None], height, axis=0)
        for _ in range(3):
            top, left = random.integers(0, height - 4), random.integers(0, width - 4)
            picture[top : top + height // 2, left : left + width // 2] = random.uniform(0, 255, 3)
        picture += random.normal(0, 8, picture.shape)
        Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(folder / f"{number:03}.png")
    return folder


def run(model: Path | str, out: Path, photos: Path | None, **options: Any) -> ExportReport:
    """`export_model` without a progress display."""
    with Progress(disable=True) as progress:
        return export_model(ExportRequest(model=str(model), out=out, photos=photos, **options), progress)


def _bit_processor() -> Any:
    from transformers import BitImageProcessor

    return BitImageProcessor(size={"shortest_edge": 37}, crop_size=_SQUARE, resample=3, **_COLOURS)


def _spread(model: Any) -> None:
    """Give what transformers starts at zero or one (biases, norms, positions, scales) values of its own."""
    import torch

    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim == 1 or "position_embedding" in name or "token" in name:
                parameter.add_(torch.randn_like(parameter) * 0.2)
