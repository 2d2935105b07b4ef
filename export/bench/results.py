"""What a benchmark leaves behind besides its table: a JSON file that says how it was made."""

from __future__ import annotations

import json
import os
import platform
import shlex
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_OUT = Path("bench-results")
INK, MUTED, OURS, TARGET = "#1d2733", "#8a94a0", "#2f6f8f", "#c2453d"
_PACKAGES = ("vitrine", "fastapi", "starlette", "mangum", "pydantic", "numpy", "hnswlib", "itsdangerous", "msgpack")


def write_json(out: Path, name: str, results: Mapping[str, Any]) -> Path:
    """`<out>/<name>.json`: the results with all that is needed to judge and repeat them."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{name}.json"
    path.write_text(json.dumps({"made": circumstances(), **results}, indent=1) + "\n")
    return path


def circumstances() -> dict[str, Any]:
    """When, by what command, on what machine, with which versions."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": _cpu_model(),
        "cpus": os.cpu_count(),
        "load": os.getloadavg()[0],
        "versions": {name: _version(name) for name in _PACKAGES},
    }


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
