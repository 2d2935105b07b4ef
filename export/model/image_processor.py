"""A transformers image processor to our `Preprocessing`: same pixels, without transformers at serving time."""

from __future__ import annotations

from typing import Any, Literal

from handler.errors import ModelUnsupported
from handler.photos.images import Preprocessing

_RESAMPLE: dict[int, Literal["nearest", "bilinear", "bicubic", "lanczos"]] = {
    0: "nearest",
    1: "lanczos",
    2: "bilinear",
    3: "bicubic",
}
"""Pillow's filter numbers, as image processors store them."""


def preprocessing_of(processor: Any) -> Preprocessing:
    """The steps of `processor` (a slow, Pillow-based one) on an RGB picture that `handler.photos.images` can repeat.

    Steps that the processor switches off become neutral values. Raises ModelUnsupported for a step we do not have;
    whether the pixels really agree is measured by the parity gate and by a test for every processor.
    """
    kind = type(processor).__name__
    size = dict(processor.size) if getattr(processor, "do_resize", False) else {}
    crop = getattr(processor, "crop_size", None) if getattr(processor, "do_center_crop", False) else None
    resize = (size["height"], size["width"]) if {"height", "width"} <= set(size) else None
    shortest_edge = size.get("shortest_edge") if set(size) == {"shortest_edge"} else None
    if resize is None and (shortest_edge is None or crop is None):
        raise _unsupported(kind, f"resize to {size or 'nothing'} and crop to {crop or 'nothing'}")
    if processor.resample not in _RESAMPLE:
        raise _unsupported(kind, f"resampling filter {processor.resample}")
    if getattr(processor, "do_pad", False) or getattr(processor, "offset", False):
        raise _unsupported(kind, "padding or an offset")
    normalizes = getattr(processor, "do_normalize", False)
    return Preprocessing(
        resize=resize,
        shortest_edge=shortest_edge,
        crop=None if crop is None else (crop["height"], crop["width"]),
        resample=_RESAMPLE[processor.resample],
        rescale=processor.rescale_factor if getattr(processor, "do_rescale", False) else 1.0,
        mean=_triple(kind, processor.image_mean) if normalizes else (0.0, 0.0, 0.0),
        std=_triple(kind, processor.image_std) if normalizes else (1.0, 1.0, 1.0),
    )


def _triple(kind: str, values: Any) -> tuple[float, float, float]:
    if not isinstance(values, (list, tuple)) or len(values) != 3:
        raise _unsupported(kind, f"normalization by {values} where three channels are needed")
    red, green, blue = (float(value) for value in values)
    return red, green, blue


def _unsupported(kind: str, what: str) -> ModelUnsupported:
    return ModelUnsupported(
        f"The image processor {kind} wants {what}, which Vitrine does not do.",
        field="preprocessor_config.json",
        limit="a fixed size, or a shortest edge followed by a center crop",
        remedy="Set `size`, `crop_size`, `do_center_crop` and `resample` in the checkpoint's preprocessor_config.json.",
    )
