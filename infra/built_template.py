"""Print template.yaml for functions that are already built:  built_template.py > build/template.yaml

`sam deploy --template build/template.yaml` then deploys without `sam build`, on machines that cannot build for Lambda.
Needs the standard library only.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

TEMPLATE = Path(__file__).resolve().parents[1] / "template.yaml"


def built(template: str) -> str:
    """Every function's CodeUri becomes its own name, the directory that scripts/build-lambda built it into."""
    blocks = re.split(r"^(?=  \w+:$)", template, flags=re.MULTILINE)
    return "".join(_with_own_code(block) for block in blocks)


def _with_own_code(block: str) -> str:
    name = block.partition(":")[0].strip()
    return re.sub(r"^(      CodeUri: ).*", rf"\g<1>{name}", block, flags=re.MULTILINE)


if __name__ == "__main__":
    sys.stdout.write(built(TEMPLATE.read_text(encoding="utf-8")))
