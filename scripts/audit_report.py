"""Summarize build/audit for scripts/audit: write licenses.txt, and exit with 1 if a vulnerability is known."""

from __future__ import annotations

import json
import sys
from importlib import metadata
from pathlib import Path
from typing import Any


def main(directory: Path) -> int:
    components = json.loads((directory / "sbom.json").read_text(encoding="utf-8"))["components"]
    lines = sorted({f"{one['name']} {one['version']}: {license_of(one['name'])}" for one in components})
    (directory / "licenses.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(
        f"{len(components)} packages in {directory}/sbom.json (CycloneDX), their licenses in {directory}/licenses.txt."
    )
    found = directory / "vulnerabilities.json"
    if not found.is_file():
        print(
            f"Vulnerabilities were not checked: pip-audit could not reach its service, see {directory}/pip-audit.log."
        )
        return 0
    return report(json.loads(found.read_text(encoding="utf-8"))["dependencies"])


def report(packages: list[dict[str, Any]]) -> int:
    """Print what pip-audit found, one line a vulnerability, and the exit status."""
    vulnerabilities = [(package, one) for package in packages for one in package.get("vulns", [])]
    for package, one in vulnerabilities:
        fixed = ", ".join(one["fix_versions"]) or "no version yet"
        print(f"{package['name']} {package['version']}: {one['id']}, fixed in {fixed}")
    skipped = sum("skip_reason" in package for package in packages)
    unknown = f"; {skipped} are unknown to the package index and were not checked" if skipped else ""
    print(f"{len(vulnerabilities)} known vulnerabilities in {len(packages) - skipped} packages{unknown}.")
    return 1 if vulnerabilities else 0


def license_of(name: str) -> str:
    """The license that an installed package states: an SPDX expression, a classifier, or free text."""
    try:
        stated = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return "not installed on this platform"
    classifiers = [
        one.rpartition(" :: ")[2] for one in stated.get_all("Classifier", []) if one.startswith("License ::")
    ]
    text = stated.get("License-Expression") or ", ".join(classifiers) or stated.get("License") or "not stated"
    return text.splitlines()[0]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
