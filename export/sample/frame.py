"""The frame: the size of every picture, and its pixels' positions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from export.sample.relief import Field

SIZE = (400, 480)
"""Width and height of every picture, in pixels."""


def grid() -> tuple[Field, Field]:
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]].astype(np.float32)
    return x, y
