"""Not a test: added to the re-index's artifact, where it makes parts small and lets them fail as the bucket says.

`faults.json` in the catalog's bucket may hold
    photos_a_part   instead of 500
    flaky           parts whose first attempt dies
    broken          parts whose every attempt dies
    deadly          content hashes of photos that no process survives
    build           how many builds die after the index is built, before the pointer moves
    together        how many builds have to reach that point before any continues
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from typing import Any

from export.bundle import publish_bundle as publishing
from export.bundle import update_bundle as updating
from export.photos import embed_catalog, partition
from export.reindex import job
from export.reindex.s3_folder import S3Folder
from handler.errors import BundleNotFound

bucket = S3Folder(os.environ["VITRINE_CATALOG"].rsplit("/", 1)[0])


def faults() -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(bucket.read("faults.json"))
    except BundleNotFound:
        found = {}
    partition.PHOTOS_A_PART = found.get("photos_a_part", 10)
    embed_catalog._load = _loading(set(found.get("deadly", ())))
    updating.publish_bundle = _publishing(found)
    return found


def plan_handler(event: Any, context: Any) -> Any:
    faults()
    return job.plan_handler(event, context)


def embed_handler(event: Any, context: Any) -> Any:
    found, part = faults(), event["part"]
    if part in found.get("broken", ()) or (part in found.get("flaky", ()) and _count(f"tried-{part}") == 1):
        os._exit(1)
    return job.embed_handler(event, context)


def build_handler(event: Any, context: Any) -> Any:
    faults()
    return job.build_handler(event, context)


def prune_handler(event: Any, context: Any) -> Any:
    faults()
    return job.prune_handler(event, context)


_load, _publish = embed_catalog._load, publishing.publish_bundle


def _loading(deadly: set[str]) -> Any:
    def load(path: Any, how: Any) -> Any:
        if hashlib.sha256(path.read_bytes()).hexdigest() in deadly:
            os._exit(1)
        return _load(path, how)

    return load


def _publishing(found: dict[str, Any]) -> Any:
    def publish(*arguments: Any) -> Any:
        reached = _count("builds") if found.get("build") or found.get("together") else 0
        if 0 < reached <= found.get("build", 0):
            os._exit(1)
        for _ in range(600):
            if len(_counted("builds")) >= found.get("together", 0):
                break
            time.sleep(0.1)
        return _publish(*arguments)

    return publish


def _count(name: str) -> int:
    bucket.write(f"counts/{name}/{os.getpid()}-{time.monotonic_ns()}", b"")
    return len(_counted(name))


def _counted(name: str) -> Any:
    return bucket.modified(f"counts/{name}/")
