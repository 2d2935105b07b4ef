"""The benchmarks of text search run from end to end on small catalogs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from export.bench import text_search, words

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_words_learnt_from_half_of_the_photos_name_the_others(
    photos: Path, encoder_directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {
        "--titled": "40",
        "--held-out": "10",
        "--model": encoder_directory,
        "--work": tmp_path,
        "--out": tmp_path,
    }
    given = [str(part) for pair in options.items() for part in pair]
    monkeypatch.setattr("sys.argv", ["words", str(photos), *given])
    words.main()
    (result,) = json.loads((tmp_path / "words.json").read_text())["results"]
    assert result["titled"] == 40
    assert result["accuracy"] > 0.8
    assert result["precision"] > 0.8
    assert (tmp_path / "words.png").stat().st_size > 0


def test_the_text_index_is_measured_beside_its_catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["text_search", "--products", "100", "300", "--out", str(tmp_path)])
    text_search.main()
    results = json.loads((tmp_path / "text_search.json").read_text())["results"]
    assert [one["products"] for one in results] == [100, 300]
    assert all(0 < one["index_bytes"] < one["catalog_bytes"] for one in results)
    assert (tmp_path / "text_search.png").stat().st_size > 0
