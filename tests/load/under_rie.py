"""Load on the built function: Runtime Interface Emulator, Lambda's runtime client, bundles in a real S3 server."""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import boto3

from export.bench.serving.lambda_emulator import RIES, build_api, emulator, install_client
from export.bundle.publish_bundle import copy_bundle
from export.store.rollback import roll_back
from handler.stores.file_cache import FileCache
from handler.stores.s3_store import S3Store
from handler.stores.store import DirectoryStore
from tests.conftest import KEY
from tests.load.play_invocations import play
from tests.load.switching import switching, two_bundles
from tests.load.usage import usage
from tests.s3_servers import environment, new_bucket, seaweed

if TYPE_CHECKING:
    from collections.abc import Iterator

REFRESH_SECONDS = 1
WARM_ROUNDS = 200
SPARE_DESCRIPTORS = 4
"""Connections to S3 come and go; a leak would add one for each request or switch."""


def run(rounds: int, seconds: float, shoppers: int) -> dict[str, Any]:
    """Up to `rounds` pages within `seconds`, with switches in between.

    Raises AssertionError after an error, if fewer than two bundles were served, or if descriptors or temporary space
    were not given back.
    """
    if not RIES:
        raise SystemExit("There is no Runtime Interface Emulator below build/sam; `scripts/sam --version` installs it.")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        task, client, temporary = folder / "ApiFunction", folder / "client", folder / "tmp"
        temporary.mkdir()
        build_api(task)
        install_client(client)
        with bundles_in_s3(folder) as (store, versions, endpoint):
            variables = {
                **environment(endpoint),
                "VITRINE_BUNDLES": store.address,
                "VITRINE_SIGNING_KEYS": KEY,
                "VITRINE_REFRESH_SECONDS": str(REFRESH_SECONDS),
                "VITRINE_CACHE": str(temporary / "vitrine"),
                "TMPDIR": str(temporary),
            }
            with emulator(RIES[0], client, task, "handler.lambda_entry.handler", variables) as api:
                for version in versions:  # both are in the cache before the measurement
                    roll_back(store, version)
                    time.sleep(REFRESH_SECONDS)
                    play(api, WARM_ROUNDS, seconds, shoppers)
                before = usage(api.runtime_process, temporary)
                with switching(store, versions) as switched:
                    first = play(api, rounds // 2, seconds / 2, shoppers)
                    middle = usage(api.runtime_process, temporary)
                    second = play(api, rounds - rounds // 2, seconds / 2, shoppers)
                after = usage(api.runtime_process, temporary)
    assert not first.errors + second.errors, (first.errors + second.errors)[:5]
    served = {*first.versions, *second.versions}
    assert served == {*versions}, f"only {served} was served, in {len(switched)} switches; play more rounds"
    assert after.descriptors <= before.descriptors + SPARE_DESCRIPTORS, (before, after)
    assert after.temporary_files <= before.temporary_files, (before, after)
    return {
        "phases": {"first half": first.kinds(), "second half": second.kinds()},
        "bundle_switches": len(switched),
        "usage": {"before": before._asdict(), "middle": middle._asdict(), "after": after._asdict()},
    }


@contextmanager
def bundles_in_s3(folder: Path) -> Iterator[tuple[S3Store, list[str], str]]:
    """A store in an S3 server on this machine, its bundles' versions, and the server's endpoint."""
    bundles, versions = two_bundles(folder)
    disk = folder / "s3"
    disk.mkdir()
    with seaweed(disk) as endpoint, mock.patch.dict(os.environ, environment(endpoint)):
        address = f"s3://{new_bucket(boto3.client('s3'))}/bundles"
        store, local = S3Store(address, FileCache(folder / "cache", 450)), DirectoryStore(bundles)
        for version in versions:
            roll_back(local, version)
            copy_bundle(local, store)
        yield store, versions, endpoint
