"""A TypeScript client made by a generator from handler/openapi.json compiles strictly and plays a whole session."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from handler.api.app import create_app
from tests.live import serving

if TYPE_CHECKING:
    from handler.runtime import Runtime

FOLDER = Path(__file__).parent / "typescript"


def _without(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def attempt(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=240)


def run(*command: str) -> str:
    done = attempt(*command)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def compiled() -> None:
    """`npm ci`, unless what the lock file asks for is there, then generate and compile."""
    if not shutil.which("npm"):
        _without("No npm found: Node.js 20 or newer compiles the TypeScript client.")
    lock, installed = FOLDER / "package-lock.json", FOLDER / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        done = attempt("npm", "ci")
        if done.returncode:
            _without(f"npm ci failed: {done.stderr[-500:]}")
    shutil.rmtree(FOLDER / "build", ignore_errors=True)
    run("npm", "run", "--silent", "generate")
    run("npm", "run", "--silent", "compile")


@pytest.mark.usefixtures("compiled")
def test_a_session_through_the_generated_client(runtime: Runtime, photos: Path) -> None:
    with serving(create_app(runtime)) as address:
        told = json.loads(run("node", "build/session.js", address, str(photos / "red" / "03.jpg")).splitlines()[-1])
    assert re.fullmatch("[0-9a-f]{32}", told.pop("requestId"))
    assert told == {
        "products": 80,
        "rounds": [4, 3, 4],
        "seen": 50,
        "reasons": ["similar"] * 5 + ["random"] * 5,
        "similar": 3,
        "searched": [5, "red", "searched", 3],
        "error": "session_malformed",
        "status": 400,
    }


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((FOLDER / "package-lock.json").read_text())
    for name, package in lock["packages"].items():
        assert "resolved" not in package, name
        assert name == "" or package["integrity"].startswith("sha512-"), name
