"""Real processes: one that is interrupted and one that goes on, and several on one store at the same time."""

from __future__ import annotations

import signal
import sqlite3
import time
from typing import TYPE_CHECKING

from export.photos.embed_catalog import BATCH
from handler.local.local_state import LocalState
from tests.cli_process import start, vitrine
from tests.conftest import run_index
from tests.export.support import draw, draw_all, open_current

if TYPE_CHECKING:
    from pathlib import Path

COUNT = 5 * BATCH
SLOWLY = """
import time
from export.photos import embed_catalog
fast = embed_catalog._embed
embed_catalog._embed = lambda path, encoder: (time.sleep(0.05), fast(path, encoder))[1]
"""


def count_embedded(bundles: Path) -> int:
    path = LocalState(bundles).embedding_cache
    if not path.exists():
        return 0
    db = sqlite3.connect(path)
    try:
        return int(db.execute("SELECT count(*) FROM embeddings").fetchone()[0])
    except sqlite3.OperationalError:  # not made yet
        return 0
    finally:
        db.close()


def test_an_interrupted_run_goes_on_with_the_rest(tmp_path: Path, encoder_directory: Path) -> None:
    photos, bundles = draw_all(tmp_path / "photos", range(COUNT)), tmp_path / "bundles"
    with start("index", photos, "--out", bundles, "--model", encoder_directory, before=SLOWLY) as process:
        deadline = time.monotonic() + 60
        while count_embedded(bundles) == 0 and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    assert process.returncode not in (0, None)
    assert "Traceback" not in output
    kept = count_embedded(bundles)
    assert 0 < kept < COUNT
    assert not (bundles / "current.json").exists()
    report = run_index(photos, bundles, encoder_directory)
    assert (report.products, report.embedded, report.published) == (COUNT, COUNT - kept, True)


def test_runs_at_once_publish_in_order_or_are_told(tmp_path: Path, encoder_directory: Path) -> None:
    bundles = tmp_path / "bundles"
    runs = []
    for number in range(3):
        photos = draw_all(tmp_path / f"photos-{number}", range(20))
        draw(photos / f"only-{number}.png", 100 + number)
        runs.append(start("index", photos, "--out", bundles, "--model", encoder_directory))
    outputs = []
    for process in runs:
        with process:
            outputs.append(process.communicate(timeout=120)[0])
    won = [number for number, process in enumerate(runs) if process.returncode == 0]
    assert won
    for number, process in enumerate(runs):
        if number not in won:
            assert process.returncode == 1
            assert "another publisher was first. Publish again on top of it." in outputs[number]
        assert "Traceback" not in outputs[number]
    current = open_current(bundles)
    assert len(current.catalog) == 21
    assert any(current.catalog.by_id(f"only-{number}") for number in won)
    status, _ = vitrine("index", tmp_path / "photos-0", "--out", bundles, "--model", encoder_directory)
    assert status == 0
    assert open_current(bundles).catalog.by_id("only-0") is not None
