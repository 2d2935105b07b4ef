import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from export.finetune.draw_view import AREA, ASPECT, draw_view


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 2**32))
def test_a_view_is_a_part_of_the_photo(width: int, height: int, seed: int) -> None:
    photo = Image.effect_noise((width, height), 60).convert("RGB")
    view = draw_view(photo, np.random.default_rng(seed))
    assert view.mode == "RGB"
    assert 1 <= view.width <= width
    assert 1 <= view.height <= height
    # A crop that the photo's border cuts is smaller than its area says.
    assert view.width * view.height >= AREA[0] * ASPECT[0] * width * height * 0.7 - width - height


def test_the_same_seed_draws_the_same_view_and_another_seed_another() -> None:
    photo = Image.effect_noise((40, 50), 60).convert("RGB")
    views = [draw_view(photo, np.random.default_rng(seed)).tobytes() for seed in (1, 1, 2)]
    assert views[0] == views[1] != views[2]


def test_light_changes_little() -> None:
    gray = Image.new("RGB", (32, 32), (128, 128, 128))
    means = np.asarray([np.asarray(draw_view(gray, np.random.default_rng(seed))).mean() for seed in range(40)])
    assert 80 < means.min() < 120 < 136 < means.max() < 180
