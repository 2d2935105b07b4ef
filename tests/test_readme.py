"""The commands and clients that the READMEs show, run as they stand against a sample shop."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from export.embedded import EMBEDDED_ENCODER
from export.sample.catalog import write_sample_catalog
from handler.local.local_server import create_local_app
from handler.settings import PREFIX, Settings
from tests.cli_process import vitrine
from tests.conftest import run_index
from tests.live import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
DOCUMENTED = "http://127.0.0.1:8000"
PRODUCTS = 80
"""Of half as many, a random first page sometimes shows all that the Python example searches for."""


def blocks(document: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / document).read_text(), re.S | re.M)


def without(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A directory in which `scripts/demo` could have run, and the address of its shop."""
    directory = tmp_path_factory.mktemp("readme")
    table = write_sample_catalog(directory / "demo" / "sample", count=PRODUCTS)
    run_index(table, directory / "bundles", EMBEDDED_ENCODER)
    with serving(create_local_app(directory / "bundles")) as address:
        yield directory, address


def run(command: list[str], directory: Path) -> str:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("document", ["README.md", "handler/README.md"])
def test_curl(document: str, shop: tuple[Path, str]) -> None:
    if not (shutil.which("curl") and shutil.which("jq")):
        without("The READMEs' shell examples need curl and jq.")
    directory, address = shop
    (script,) = blocks(document, "bash")
    printed = run(["bash", "-euo", "pipefail", "-c", script.replace(DOCUMENTED, address)], directory)
    assert "similar" in printed
    assert "random" in printed
    assert "null\n" not in printed, "a round or an id that the answer does not have"


def test_python(shop: tuple[Path, str]) -> None:
    directory, address = shop
    (program,) = blocks("handler/README.md", "python")
    printed = run([sys.executable, "-c", program.replace(DOCUMENTED, address)], directory)
    searched, *rounds, last = printed.splitlines()
    assert [line.partition(" ")[0] for line in rounds] == ["3", "4"]
    assert re.match(r"red sneakers \['", searched)
    assert re.fullmatch(r"5 \d+ left", last)
    assert int(last.split()[1]) == max(0, PRODUCTS - 50)


def test_plan() -> None:
    (command,) = re.findall(r"`vitrine (plan [^`]+)`", (ROOT / "README.md").read_text())
    status, printed = vitrine(*command.split())
    assert status == 0
    assert "500,000 products of 256 dimensions, 1,000,000 rounds a month" in printed


def test_the_settings_table_lists_every_setting_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(VITRINE_\w+)` \| (.*?) \|", (ROOT / "infra/README.md").read_text(), re.M))
    documented = {name: value.strip("`") for name, value in rows.items()}
    for name, field in Settings.model_fields.items():
        shown = documented[PREFIX + name.upper()]
        if isinstance(field.default, str | int | float) and shown:
            default = f"{field.default:g}" if isinstance(field.default, float) else str(field.default)
            assert shown == (default or "none")


@pytest.mark.parametrize(
    "document", ["README.md", "handler/README.md", "infra/README.md", "infra/SCALE.md", "export/bench/README.md"]
)
def test_links_lead_to_files(document: str) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", (ROOT / document).read_text()):
        assert ((ROOT / document).parent / target).exists(), target


def test_readme_stays_a_front_page() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 110
