"""template.yaml as plain data: `!Sub x` becomes {"Sub": x}."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms, which are YAML tags."""


def _short_form(loader: _Loader, name: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    raise yaml.YAMLError(f"!{name} of a mapping")


_Loader.add_multi_constructor("!", _short_form)


def load() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load((ROOT / "template.yaml").read_text(encoding="utf-8"), _Loader)  # noqa: S506
    return loaded


def of_type(template: dict[str, Any], kind: str) -> dict[str, Any]:
    """The properties of every resource of that type, by name."""
    return {name: found.get("Properties", {}) for name, found in template["Resources"].items() if found["Type"] == kind}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(template: dict[str, Any], role: str) -> list[dict[str, Any]]:
    """What the role allows, conditional statements included."""
    policies = template["Resources"][role]["Properties"]["Policies"]
    found = [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]
    return [statement["If"][1] if "If" in statement else statement for statement in found]
