"""Commands that messages and help recommend exist: no package index has Vitrine, only a checkout installs it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SETUP = re.compile(r"scripts/setup((?: +[a-z]+)*)")
FILES = sorted(
    path
    for pattern in ("export/**/*.py", "handler/**/*.py", "tests/*.py", "scripts/*", ".ci/*", "*.md", "*/*.md")
    for path in ROOT.glob(pattern)
    if path.is_file() and path != Path(__file__)
)


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_installs_vitrine_from_an_index(path: Path) -> None:
    assert not re.search(r"""pip install ['"`]?vitrine""", read(path))


def test_every_extra_that_a_file_has_you_install_exists() -> None:
    extras = set(tomllib.loads(read(ROOT / "pyproject.toml"))["project"]["optional-dependencies"])
    named = {
        name for path in FILES if path.suffix == ".py" for names in SETUP.findall(read(path)) for name in names.split()
    }
    assert named >= {"aws", "bench", "export", "judge", "parquet", "test"}
    assert named <= extras
