"""The runbook covers every alarm, and the threat model names only what exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from handler.metrics import UNITS
from handler.settings import PREFIX, Settings
from tests.infra.template import load, of_type

ROOT = Path(__file__).parents[2]
RUNBOOK = (ROOT / "infra" / "RUNBOOK.md").read_text(encoding="utf-8")
SECURITY = (ROOT / "infra" / "SECURITY.md").read_text(encoding="utf-8")
ALARMS = sorted(of_type(load(), "AWS::CloudWatch::Alarm"))


def sections(text: str) -> dict[str, str]:
    """The text below every second-level heading."""
    return {part.partition("\n")[0]: part.partition("\n")[2].strip() for part in text.split("\n## ")[1:]}


def test_the_runbook_has_the_alarms_of_the_template() -> None:
    assert sorted(name for name in sections(RUNBOOK) if name.endswith("Alarm")) == ALARMS


@pytest.mark.parametrize("name", ALARMS)
def test_every_alarm_says_what_to_do(name: str) -> None:
    assert len(sections(RUNBOOK)[name]) > 200


@pytest.mark.parametrize("name", sorted(UNITS))
def test_the_runbook_explains_every_metric(name: str) -> None:
    assert f"`{name}`" in RUNBOOK


def test_the_threat_model_names_tests_and_settings_that_exist() -> None:
    named = set(re.findall(r"`(test_\w+)`", SECURITY))
    assert len(named) > 15
    tests = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    assert sorted(name for name in named if f"def {name}(" not in tests) == []
    files = {path.name for path in (ROOT / "tests").rglob("test_*.py")}
    assert {name.rpartition("/")[2] for name in re.findall(r"`([\w/]*test_\w+\.py)`", SECURITY)} <= files
    settings = {PREFIX + name.upper() for name in Settings.model_fields}
    assert {*re.findall(rf"`({PREFIX}\w+)`", SECURITY + RUNBOOK)} <= settings
