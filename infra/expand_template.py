"""Print the CloudFormation that SAM makes of template.yaml, as JSON:  expand_template.py [NAME=VALUE ...]

checkov and CloudFormation emulators do not understand SAM. `code=s3://BUCKET/PREFIX` says where the functions' zip
files lie; every other argument is a parameter of the template. Runs under build/sam's Python, which has samtranslator.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

TEMPLATE = Path(__file__).resolve().parents[1] / "template.yaml"
CODE = "s3://artifacts"


class _NoPolicies:
    """Stands in for IAM's managed policies: the template writes its own roles, so SAM never looks one up."""

    def load(self) -> dict[str, str]:
        return {}


def expand(template: dict[str, Any], code: str, parameters: dict[str, str]) -> dict[str, Any]:
    """SAM reads some parameters while it expands (Deployment, Tracing); those not given have their defaults."""
    for name, resource in template["Resources"].items():
        if "CodeUri" in resource.get("Properties", {}):
            resource["Properties"]["CodeUri"] = f"{code}/{name}.zip"
    expanded: dict[str, Any] = transform(template, parameters, _NoPolicies())
    return expanded


if __name__ == "__main__":
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")  # samtranslator requires one and does not use it
    given = dict(argument.split("=", 1) for argument in sys.argv[1:])
    code_address = given.pop("code", CODE)
    json.dump(expand(yaml_parse(TEMPLATE.read_text(encoding="utf-8")), code_address, given), sys.stdout, indent=1)
