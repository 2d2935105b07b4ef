"""`vitrine` as a user runs it: a process of its own, judged by its exit status and what it prints."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MAIN = "from export.cli.main import main; main()"
# A plain terminal, wide enough that no sentence is broken.
ENVIRONMENT = {**os.environ, "COLUMNS": "300", "TERM": "dumb", "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"}


def start(*arguments: str | Path, before: str = "") -> subprocess.Popen[str]:
    """Start `vitrine ARGUMENTS`; `before` is Python to run first."""
    command = [sys.executable, "-W", "error::ResourceWarning", "-c", f"{before}\n{MAIN}", *map(str, arguments)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, env=ENVIRONMENT
    )


def vitrine(*arguments: str | Path, before: str = "") -> tuple[int, str]:
    """Exit status and everything printed."""
    with start(*arguments, before=before) as process:
        output, _ = process.communicate(timeout=120)
    return process.returncode, output
