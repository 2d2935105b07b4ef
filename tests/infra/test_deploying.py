"""What `sam deploy` reads: its configuration, the template for built functions, and the sample events."""

from __future__ import annotations

import json
import shutil
import subprocess
import tomllib
from typing import TYPE_CHECKING

import pytest
import yaml

from handler import lambda_entry
from infra.built_template import built
from tests.conftest import KEY
from tests.handler.support import send
from tests.infra.template import ROOT, _Loader, load

if TYPE_CHECKING:
    from pathlib import Path

EVENTS = ROOT / "infra" / "events"


def test_sam_asks_for_nothing_but_a_confirmation() -> None:
    config = tomllib.loads((ROOT / "infra" / "samconfig.toml").read_text(encoding="utf-8"))["default"]
    assert config["global"]["parameters"]["stack_name"]
    assert config["deploy"]["parameters"]["capabilities"] == "CAPABILITY_IAM"
    assert config["deploy"]["parameters"]["resolve_s3"]
    assert all("Default" in parameter for parameter in load()["Parameters"].values())


def test_scripts_sam_passes_the_configuration(tmp_path: Path) -> None:
    program = tmp_path / "build" / "sam" / "bin" / "sam"
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/sh\necho "$@"\n')
    program.chmod(0o755)
    (tmp_path / "scripts").mkdir()
    script = tmp_path / "scripts" / "sam"
    shutil.copy(ROOT / "scripts" / "sam", script)
    for command, expected in (
        ("deploy", f"deploy --config-file {tmp_path}/infra/samconfig.toml"),
        ("--version", "--version"),
    ):
        shown = subprocess.run([str(script), command], capture_output=True, text=True, check=True)
        assert shown.stdout.strip() == expected


def test_the_template_for_built_functions_differs_in_their_code_alone() -> None:
    template = (ROOT / "template.yaml").read_text(encoding="utf-8")
    found = yaml.load(built(template), _Loader)  # noqa: S506
    for name, resource in load()["Resources"].items():
        if "CodeUri" in resource.get("Properties", {}):
            assert found["Resources"][name]["Properties"].pop("CodeUri") == name
            found["Resources"][name]["Properties"]["CodeUri"] = resource["Properties"]["CodeUri"]
    assert found == load()


@pytest.mark.parametrize("name", ["start_session", "health"])
def test_sample_events_of_the_api_are_answered(name: str, bundles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_BUNDLES", str(bundles))
    monkeypatch.setenv("VITRINE_SIGNING_KEYS", KEY)
    lambda_entry._adapter.cache_clear()
    answer = send(json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8")))
    lambda_entry._adapter.cache_clear()
    assert answer.status == 200


def test_every_sample_event_is_json_and_in_the_readme() -> None:
    readme = (ROOT / "infra" / "README.md").read_text(encoding="utf-8")
    for path in EVENTS.iterdir():
        json.loads(path.read_text(encoding="utf-8"))
        assert path.name in readme
