"""The CloudFormation that SAM makes of template.yaml, as JSON on standard output. checkov sees nothing in raw SAM.

Runs where `sam` is installed: samtranslator comes with it.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

MANAGED: dict[str, str] = {}
"""Managed policies by name, for SAM policy templates. We write our own roles, so there are none to look up."""


class _Policies:
    def load(self) -> dict[str, str]:
        return MANAGED


def expand(path: Path, **parameters: str) -> dict[str, Any]:
    template = yaml_parse(path.read_text(encoding="utf-8"))
    for name, resource in template["Resources"].items():
        if "CodeUri" in resource.get("Properties", {}):
            resource["Properties"]["CodeUri"] = f"s3://artefacts/{name}.zip"
    expanded: dict[str, Any] = transform(template, parameters, _Policies())
    return expanded


if __name__ == "__main__":
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")  # samtranslator asks for one, and writes it nowhere
    json.dump(expand(Path(sys.argv[1] if len(sys.argv) > 1 else "template.yaml")), sys.stdout, indent=1)
