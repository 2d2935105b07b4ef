"""The built template with its functions pointed at servers on this machine:  local_template.py BUILT NAME=VALUE ...

`sam local` overrides only variables that a template declares, and nobody declares endpoints for production.
"""

from __future__ import annotations

import sys
from pathlib import Path

from samcli.yamlhelper import yaml_dump, yaml_parse

built = Path(sys.argv[1])
template = yaml_parse(built.read_text(encoding="utf-8"))
for resource in template["Resources"].values():
    if resource["Type"] == "AWS::Serverless::Function":
        variables = resource["Properties"].setdefault("Environment", {}).setdefault("Variables", {})
        given = dict(item.split("=", 1) for item in sys.argv[2:])
        # Vitrine refuses settings that it does not have, so each function gets its own ones only.
        variables.update({key: value for key, value in given.items() if key in variables or key.startswith("AWS_")})
target = built.with_name("local.yaml")
target.write_text(yaml_dump(template), encoding="utf-8")
