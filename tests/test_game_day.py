"""Each drill of the game day ends as the runbook says; the drills check themselves."""

from __future__ import annotations

import pytest

from tests.game_day import DRILLS, run


@pytest.mark.parametrize("name", sorted(DRILLS))
def test_a_drill_moves_its_metric_and_the_shop_keeps_serving(name: str) -> None:
    assert len(run(name)) >= 2
