"""`handler.photos.images.preprocess` against each transformers image processor: same pixels, to a float's rounding."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import transformers as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from export.model.image_processor import preprocessing_of
from handler.errors import ImageTooLarge, ModelUnsupported
from handler.photos.images import preprocess

_SQUARE = {"height": 32, "width": 32}
_ODD = {"height": 30, "width": 45}

PROCESSORS: dict[str, Any] = {
    "vit": tf.ViTImageProcessor(size=_SQUARE, resample=2),
    "vit, not square": tf.ViTImageProcessor(size=_ODD, resample=2),
    "vit, nothing normalized": tf.ViTImageProcessor(size=_SQUARE, resample=0, do_normalize=False, do_rescale=False),
    "deit": tf.DeiTImageProcessor(size={"height": 37, "width": 37}, crop_size=_SQUARE, resample=3),
    "dinov2": tf.BitImageProcessor(size={"shortest_edge": 37}, crop_size=_SQUARE, resample=3),
    "dinov2, crop wider than the picture": tf.BitImageProcessor(size={"shortest_edge": 31}, crop_size=_ODD, resample=3),
    "clip": tf.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=_SQUARE),
    "siglip": tf.SiglipImageProcessor(size=_SQUARE, resample=3),
    "siglip, lanczos": tf.SiglipImageProcessor(size=_SQUARE, resample=1),
}

sides = st.integers(min_value=1, max_value=150)


@pytest.mark.parametrize("name", PROCESSORS)
@given(width=sides, height=sides, seed=st.integers(0, 2**16))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_pixels_are_those_of_transformers(name: str, width: int, height: int, seed: int) -> None:
    processor = PROCESSORS[name]
    image = Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))
    # (3, n, 3) would leave transformers to guess where the channels are; we never do.
    expected = processor(images=image, return_tensors="np", input_data_format="channels_last")["pixel_values"][0]
    found = preprocess(image, preprocessing_of(processor))
    assert found.dtype == np.float32
    # Unscaled pixels go up to 255, so a rounding is larger there.
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("processor", "what"),
    [
        (tf.ViTImageProcessor(do_resize=False), "resize to nothing"),
        (tf.CLIPImageProcessor(do_center_crop=False), "crop to nothing"),
        (tf.ViTImageProcessor(resample=4), "resampling filter 4"),
        (tf.ViTImageProcessor(image_mean=[0.5]), "three channels"),
        (tf.CLIPImageProcessor(size={"shortest_edge": 20, "longest_edge": 30}), "resize to"),
    ],
)
def test_what_we_cannot_repeat_is_refused(processor: Any, what: str) -> None:
    with pytest.raises(ModelUnsupported, match=what):
        preprocessing_of(processor)


def test_a_sliver_is_not_blown_up() -> None:
    how = preprocessing_of(PROCESSORS["dinov2"])
    with pytest.raises(ImageTooLarge, match="1 x 100000 pixels") as refused:
        preprocess(Image.new("RGB", (1, 100_000)), how)
    assert refused.value.value == 37 * 37 * 100_000
