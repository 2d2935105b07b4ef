"""Copy the current bundle of a store into the API function's artifact:  bake_bundle.py STORE ARTIFACT

infra/Makefile calls it if BUNDLE names a store. STORE is a directory; a relative path starts at the repository. The
copy is laid out as a store in handler/baked, where handler/runtime.py looks for it. Needs only the standard library.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
BAKED = "handler/baked"
LIMIT_MEGABYTES = 50
"""For bundle and encoder together. The function without them has 183 MB of the 250 that Lambda takes."""
POINTER = "current.json"


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit("Usage: bake_bundle.py STORE ARTIFACT")
    bake(sys.argv[1], Path(sys.argv[2]))


def bake(address: str, artifact: Path) -> None:
    """Copy pointer, manifest and all files that the manifest names; exits with the remedy if one cannot be baked."""
    if "://" in address:
        sys.exit(f"bake_bundle: {address} is not a directory; copy the store first: aws s3 sync {address} bundles")
    store = ROOT / address
    pointer = _read(store, POINTER)
    manifest_key = f"bundles/{pointer['version']}/manifest.json"
    files = _files(pointer["version"], _read(store, manifest_key))
    sizes = {key: _existing(store, key).stat().st_size for key in files}
    size = sum(sizes.values())
    if size > LIMIT_MEGABYTES * 1_000_000:
        largest = max(files, key=sizes.__getitem__)
        sys.exit(
            f"bake_bundle: the current bundle of {store} has {size / 1e6:,.1f} MB with its encoder, more than the "
            f"{LIMIT_MEGABYTES} MB that can be baked; its largest file is {largest}. "
            "Build without BUNDLE: the function then fetches it from S3."
        )
    target = artifact / BAKED
    for key in (POINTER, manifest_key, *files):
        (target / key).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_existing(store, key), target / key)
    for key, sha256 in files.items():
        _verify(target / key, sha256, store / key)
    print(f"Baked bundle {pointer['version']}: {size / 1e6:.1f} MB with its encoder.")


def _files(version: str, manifest: dict[str, Any]) -> dict[str, str]:
    """SHA-256 of each file by its key: the files of the bundle and of its encoder."""
    model = manifest["model"]
    return {
        **{f"bundles/{version}/{name}": expected["sha256"] for name, expected in manifest["files"].items()},
        **{f"models/{model['fingerprint']}/{name}": expected["sha256"] for name, expected in model["files"].items()},
    }


def _read(store: Path, key: str) -> dict[str, Any]:
    path = _existing(store, key)
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
    except ValueError as error:
        sys.exit(f"bake_bundle: {path} is not valid JSON: {error}. Publish the bundle again.")
    return content


def _existing(store: Path, key: str) -> Path:
    if not (store / key).is_file():
        sys.exit(f"bake_bundle: there is no {key} in {store}. Make a bundle first: vitrine index PHOTOS --out {store}")
    return store / key


def _verify(copy: Path, sha256: str, source: Path) -> None:
    with copy.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != sha256:
        sys.exit(
            f"bake_bundle: {source} has sha256 {digest[:12]}, and its manifest says {sha256[:12]}. "
            "Publish the bundle again."
        )


if __name__ == "__main__":
    main()
