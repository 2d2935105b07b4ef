"""The comparison of stored vectors tells what the graph, the stored numbers and the dropped dimensions lose."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from export.bench.serving import vectors

if TYPE_CHECKING:
    from pathlib import Path


def measure(folder: Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> list[dict[str, Any]]:
    fixed = ["--products", "600", "--repeat", "2", "--repeat-open", "1", "--work", str(folder), "--out", str(folder)]
    monkeypatch.setattr("sys.argv", ["vectors", *fixed, *options])
    vectors.main()
    assert (folder / "vectors.png").stat().st_size > 0
    rows: list[dict[str, Any]] = json.loads((folder / "vectors.json").read_text())["sizes"]["600"]
    return rows


def test_fewer_dimensions_take_fewer_bytes_and_keep_fewer_neighbors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full, few = measure(tmp_path, monkeypatch, "--kinds", "hnswlib f32", "--dims", "384", "16")
    assert full["kept"] == full["found"]
    assert min(few["found"].values()) >= 0.99
    assert min(few["kept"].values()) < 0.9
    assert full["bytes_a_product"] - few["bytes_a_product"] == pytest.approx(4 * (384 - 16), abs=1)


def test_smaller_numbers_take_fewer_bytes_and_scaled_ones_find_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("usearch", reason="needs the extra peers")
    kinds = ("usearch f16", "usearch i8", "usearch i8 scaled")
    rows = {row["kind"]: row for row in measure(tmp_path, monkeypatch, "--dims", "384", "--kinds", *kinds)}
    sizes = [rows[kind]["bytes_a_product"] for kind in kinds]
    assert [sizes[0] - size for size in sizes] == pytest.approx([0, 384, 384], abs=8)
    found = [min(rows[kind]["found"].values()) for kind in kinds]
    assert found[0] >= 0.99
    assert found[1] < found[2]
    assert rows["usearch f16"]["opened"].keys() == {"load", "view"}
