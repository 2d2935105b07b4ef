"""Remove from installed packages what no function uses:  strip_packages.py DIRECTORY

botocore describes 400 services of AWS in JSON, and parses what it needs of it at every cold start. The descriptions of
the few services that are asked stay, without the text of AWS's manual. Needs only the standard library.
"""

from __future__ import annotations

import gzip
import json
import shutil
import sys
from pathlib import Path
from typing import Any

UNUSED = (
    "bin",
    "**/tests",
    "**/*.pyi",
    # Pydantic 1, which FastAPI imports only to see whether a model is one of its.
    "pydantic/v1",
    "onnxruntime/transformers",
    "onnxruntime/quantization",
    "onnxruntime/tools",
    "onnxruntime/datasets",
    # Of OpenVINO, where infra/api.txt names it: what reads its own format and runs it on the CPU stays.
    "openvino/cmake",
    "openvino/include",
    "openvino/tools",
    "openvino/torch",
    "openvino/frontend/*/",
    "openvino/libs/cache.json",
    "openvino/libs/libopenvino_c.*",
    "openvino/libs/libopenvino_intel_[gn]pu_*",
    "openvino/libs/libopenvino_[!i]*_frontend.*",
    "openvino/libs/libtbbmalloc_proxy.*",
    "botocore/data/*/*/examples-1.json",
)
AWS_SERVICES = frozenset({"s3", "secretsmanager", "ssm", "sts", "cloudwatch"})
"""What botocore is asked for."""
ENDPOINTS = AWS_SERVICES | {"monitoring"}
"""The same in endpoints.json, which names a service by its host: monitoring is CloudWatch's."""
_MANUAL = frozenset({"documentation", "documentationUrl"})


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("Usage: strip_packages.py DIRECTORY")
    strip(Path(sys.argv[1]))


def strip(directory: Path) -> None:
    for pattern in UNUSED:
        for path in list(directory.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    data = directory / "botocore" / "data"
    if data.is_dir():
        strip_descriptions(data)


def strip_descriptions(data: Path) -> None:
    """Reduce botocore's data to AWS_SERVICES, as JSON that is neither compressed nor has more than a client needs."""
    for path in data.iterdir():
        if path.is_dir() and path.name not in AWS_SERVICES:
            shutil.rmtree(path)
    for path in [*data.rglob("*.json"), *data.rglob("*.json.gz")]:
        compressed = path.suffix == ".gz"
        content = json.loads(gzip.decompress(path.read_bytes()) if compressed else path.read_bytes())
        if path.name == "endpoints.json":
            for partition in content["partitions"]:
                partition["services"] = {name: one for name, one in partition["services"].items() if name in ENDPOINTS}
        path.unlink()
        target = path.with_suffix("") if compressed else path
        target.write_text(json.dumps(_without_manual(content), separators=(",", ":")))


def _without_manual(content: Any) -> Any:
    """`content` with empty texts for people: botocore asks for some of them. A member of that name is not a text."""
    if isinstance(content, dict):
        return {
            key: "" if key in _MANUAL and isinstance(value, str) else _without_manual(value)
            for key, value in content.items()
        }
    return [_without_manual(one) for one in content] if isinstance(content, list) else content


if __name__ == "__main__":
    main()
