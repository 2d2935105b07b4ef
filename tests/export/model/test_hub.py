"""A hub that does not answer costs one sentence and seconds, not a stack trace and minutes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

SCRIPT = """
from export.model.hub import checkpoint_directory
from handler.errors import ModelUnavailable
try:
    checkpoint_directory("google/vit-base-patch16-224")
except ModelUnavailable as error:
    print(error)
"""


@pytest.mark.parametrize("offline", ["0", "1"])
def test_unreachable_hub(offline: str, tmp_path: Path) -> None:
    # A process of its own: huggingface_hub reads its environment when it is imported. Nobody listens on port 9.
    environment = os.environ | {
        "HF_ENDPOINT": "http://127.0.0.1:9",
        "HF_HOME": str(tmp_path),
        "HF_HUB_OFFLINE": offline,
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "PYTHONPATH": str(ROOT),
    }
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert time.monotonic() - start < 40
    assert "google/vit-base-patch16-224 is no directory here, and the Hugging Face hub cannot be reached" in done.stdout
    assert "pass the directory of a checkpoint" in done.stdout
    assert done.stdout.count("\n") == 1
    assert "Traceback" not in done.stderr
