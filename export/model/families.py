"""The image encoders that `vitrine export` knows, a row each: what to load, what to pool, where the blocks are.

A new architecture is one more row, if transformers gives it a `last_hidden_state` of shape (n, prefix + patches, dim)
and optimum has an ONNX configuration for it or for a relative of the same input.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from handler.errors import ModelUnsupported

Pooling = Literal["cls", "mean", "pooler", "projection"]


@dataclass(frozen=True)
class Family:
    """How one transformers model type becomes an encoder."""

    model_type: str
    """`model_type` that the loaded vision model's own config carries."""
    poolings: dict[Pooling, str]
    """pooling -> transformers class that computes it; the first is what `auto` means."""
    onnx_config: str
    """Class in optimum.exporters.onnx.model_configs."""
    blocks: str
    """Dotted attribute of the list of transformer blocks."""
    prefix_tokens: int = 1
    """Tokens before the patches: CLS, distillation; register tokens are counted from the config."""
    optional_pooler: bool = False
    """The class takes `add_pooling_layer`, and most checkpoints have no weights for that layer."""

    def resolve(self, pooling: str) -> Pooling:
        """The pooling that `pooling` (possibly "auto") means here; ModelUnsupported if the family has no such."""
        if pooling == "auto":
            return next(iter(self.poolings))
        for known in self.poolings:
            if known == pooling:
                return known
        raise ModelUnsupported(
            f"{self.model_type} has no {pooling!r} pooling.",
            field="pooling",
            value=pooling,
            limit=tuple(self.poolings),
            remedy=f"Use --pooling {' or '.join(self.poolings)}.",
        )


_DINOV2: dict[Pooling, str] = {"cls": "Dinov2Model", "mean": "Dinov2Model"}
_REGISTERS: dict[Pooling, str] = {"cls": "Dinov2WithRegistersModel", "mean": "Dinov2WithRegistersModel"}
# CLIP's own image embedding is the projected one: only there do photos and texts share a space.
_CLIP: dict[Pooling, str] = {
    "projection": "CLIPVisionModelWithProjection",
    "pooler": "CLIPVisionModel",
    "cls": "CLIPVisionModel",
    "mean": "CLIPVisionModel",
}
# SigLIP has no CLS token: its attention head is the pooling.
_SIGLIP: dict[Pooling, str] = {"pooler": "SiglipVisionModel", "mean": "SiglipVisionModel"}
_VIT: dict[Pooling, str] = {"cls": "ViTModel", "mean": "ViTModel", "pooler": "ViTModel"}
_DEIT: dict[Pooling, str] = {"cls": "DeiTModel", "mean": "DeiTModel", "pooler": "DeiTModel"}

_CLIP_VISION = Family("clip_vision_model", _CLIP, "CLIPVisionModelOnnxConfig", "vision_model.encoder.layers")
_SIGLIP_VISION = Family(
    "siglip_vision_model", _SIGLIP, "SiglipVisionModelOnnxConfig", "vision_model.encoder.layers", prefix_tokens=0
)

FAMILIES: dict[str, Family] = {
    "vit": Family("vit", _VIT, "ViTOnnxConfig", "encoder.layer", optional_pooler=True),
    "deit": Family("deit", _DEIT, "DeiTOnnxConfig", "encoder.layer", prefix_tokens=2, optional_pooler=True),
    "dinov2": Family("dinov2", _DINOV2, "Dinov2OnnxConfig", "encoder.layer"),
    "dinov2_with_registers": Family("dinov2_with_registers", _REGISTERS, "Dinov2OnnxConfig", "encoder.layer"),
    "clip": _CLIP_VISION,
    "clip_vision_model": _CLIP_VISION,
    "siglip": _SIGLIP_VISION,
    "siglip_vision_model": _SIGLIP_VISION,
}
"""`model_type` in a checkpoint's config.json -> family; CLIP and SigLIP come whole or as their vision half."""


def family_of(model_type: str | None, source: str) -> Family:
    """The row for `model_type`; ModelUnsupported, naming what there is, for any other."""
    family = FAMILIES.get(model_type or "")
    if family is None:
        raise ModelUnsupported(
            f"{source} is a {model_type or 'model of unnamed type'}, not an image encoder of the ViT family.",
            field="model",
            value=model_type,
            limit=tuple(FAMILIES),
            remedy=f"Choose a checkpoint of type {', '.join(FAMILIES)}.",
        )
    return family
