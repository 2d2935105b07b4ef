"""Select from requirements.lock what pip is to install, hashes included.

    locked.py hashed [EXTRA ...]           Vitrine's dependencies with those of its extras, for `pip --require-hashes`
    locked.py hashed --packages NAME ...   only these packages with their dependencies
    locked.py unhashed [EXTRA ...]         those of them that cannot be checked: name and version
    locked.py pins                         every version without its hashes, for `pip --constraint`

torch is not checked: machines without a GPU take the `+cpu` wheel from a directory or an index of their own
(`PIP_FIND_LINKS`), whose hash is not PyPI's. Its CUDA libraries come with the other build only, so pip decides on them.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
UNHASHED = ("torch",)
CUDA = re.compile(r"(nvidia|cuda)-.*|triton")


class Locked(NamedTuple):
    """One entry of the lock. A name has several where its version depends on the platform."""

    name: str
    pin: str
    """NAME==VERSION, followed by an environment marker if there is one."""
    text: str
    """The entry as pip reads it."""
    parents: frozenset[str]
    """The packages that depend on it."""


def read_lock(text: str) -> list[Locked]:
    entries = []
    for block in re.split(r"^(?=\S)", text, flags=re.MULTILINE):
        if not block.strip():
            continue
        via = re.search(r"# via (.*)", block)
        pin = block.partition("\\\n")[0].strip()
        name, version = pin.split("==", 1)
        parents = frozenset(normalized(parent) for parent in via[1].split(", ")) if via else frozenset()
        entries.append(
            Locked(normalized(name), f"{name}=={version}", block.partition("    # via")[0].rstrip(), parents)
        )
    return entries


def reachable(entries: list[Locked], roots: set[str]) -> list[Locked]:
    """The entries of `roots` and of everything that they depend on."""
    missing = roots - {entry.name for entry in entries}
    if missing:
        sys.exit(f"locked: requirements.lock does not name {', '.join(sorted(missing))}; run scripts/lock.")
    found: set[str] = set()
    new = roots
    while new:
        found |= new
        new = {entry.name for entry in entries if entry.parents & new and not CUDA.fullmatch(entry.name)} - found
    return [entry for entry in entries if entry.name in found]


def direct(extras: list[str]) -> set[str]:
    """The names that pyproject.toml lists for Vitrine and for its extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = project["optional-dependencies"]
    unknown = sorted(set(extras) - set(groups))
    if unknown:
        sys.exit(f"locked: pyproject.toml has no extra {', '.join(unknown)}; it has {', '.join(groups)}.")
    return {normalized(one) for one in sum((groups[extra] for extra in extras), project["dependencies"])}


def normalized(requirement: str) -> str:
    """The package name that a requirement begins with, as PEP 503 compares names."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", requirement)[0]).lower()


def main(mode: str, *arguments: str) -> None:
    entries = read_lock((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    if mode == "pins":
        print(*(entry.pin for entry in entries), sep="\n")
        return
    roots = set(arguments[1:]) if arguments[:1] == ("--packages",) else direct(list(arguments))
    for entry in reachable(entries, roots):
        if (entry.name in UNHASHED) == (mode == "unhashed"):
            print(entry.pin if mode == "unhashed" else entry.text)


if __name__ == "__main__":
    main(*sys.argv[1:])
