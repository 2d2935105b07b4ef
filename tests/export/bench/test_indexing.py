"""The indexing benchmark: the three steps run over the same photos, and leave a JSON file and a plot."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from export.bench import indexing
from tests.export.support import draw_all

if TYPE_CHECKING:
    from pathlib import Path


def test_the_benchmark_compares_the_steps_of_one_run(
    tmp_path: Path, encoder_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = draw_all(tmp_path / "photos", range(24))
    arguments = [photos, "--count", 12, "--repeats", 3, "--model", encoder_directory, "--out", tmp_path / "out"]
    monkeypatch.setattr(sys, "argv", ["indexing", *map(str, arguments)])
    indexing.main()
    results = json.loads((tmp_path / "out" / "indexing.json").read_text())
    turns = results["turns"]
    assert results["photos"] == 12
    assert results["photos_per_second"].keys() == results["busy_cores"].keys() == turns.keys() == {*indexing.STEPS}
    ratios = sorted(
        index / min(decode, encode)
        for decode, encode, index in zip(turns["decode"], turns["encode"], turns["index"], strict=True)
    )
    assert results["of_the_slower"] == pytest.approx(ratios[1], abs=0.001)
    assert (tmp_path / "out" / "indexing.png").read_bytes().startswith(b"\x89PNG")
