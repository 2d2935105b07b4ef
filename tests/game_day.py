"""A game day: breaks a shop on this machine, one thing at a time, and shows which metrics and answers move.

    scripts/game-day                    # every drill
    scripts/game-day --drill s3-away    # one of them

The shop is real: its bundles lie in an S3 server of its own (SeaweedFS), and the Lambda entry point answers. A drill
that does not end as infra/RUNBOOK.md says fails.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from export.bundle.publish_bundle import copy_bundle
from export.reindex import job
from export.store.rollback import roll_back
from handler import lambda_entry
from handler.errors import VitrineError
from handler.manifest import INDEX_FILE, bundle_key
from handler.stores.open_store import open_store
from handler.stores.store import DirectoryStore
from tests.conftest import KEY, draw_photos, run_index
from tests.handler.support import event, send
from tests.s3_servers import environment, new_bucket, seaweed
from tests.tiny_encoder import write_tiny_encoder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from handler.stores.store import BundleStore

NEW_KEY = "n" * 32


class Shop:
    """Bundles in S3, and a function that serves them. `observe` says what a shopper and CloudWatch see."""

    def __init__(self, folder: Path, bucket: str, away: Callable[[], None]) -> None:
        self.bucket = bucket
        self.take_s3_away = away
        self._folder = folder
        self._local = folder / "bundles"
        self._encoder = write_tiny_encoder(folder / "encoder")
        self.publish(4)

    @property
    def store(self) -> BundleStore:
        return open_store(f"s3://{self.bucket}/vitrine", None)

    def publish(self, per_color: int) -> str:
        """Index that many photos of each color at home and publish them; the version."""
        # A rollback goes by names, and the names of bundles of the same second do not say which was first.
        time.sleep(1 - time.time() % 1)
        photos = draw_photos(self._folder / f"photos-{per_color}", per_color)
        run_index(photos / "catalog.jsonl", self._local, self._encoder)
        copy_bundle(DirectoryStore(self._local), self.store)
        return self.store.current().version

    def restart(self, keys: str = KEY) -> None:
        """A new process of the function."""
        os.environ["VITRINE_SIGNING_KEYS"] = keys
        lambda_entry._adapter.cache_clear()

    def observe(self, token: str | None = None) -> dict[str, Any]:
        """One round, then health: their statuses, and every metric that the function wrote meanwhile."""
        with contextlib.redirect_stdout(io.StringIO()) as log:
            page = send(event("start_session") if token is None else event("next_page", {"session": token}))
            health = send(event("health"))
            lambda_entry._runtime().metrics._flush()
        lines = [json.loads(line) for line in log.getvalue().splitlines()]
        measured: dict[str, Any] = {}
        for line in lines:
            for directive in line.get("_aws", {}).get("CloudWatchMetrics", ()):
                measured |= {metric["Name"]: line[metric["Name"]] for metric in directive["Metrics"]}
            measured |= {name: line[name] for name in ("Reason",) if name in line}
        return {"page": page.status, "session": page.json.get("session"), "health": health.json, "metrics": measured}


def s3_away(shop: Shop) -> Iterator[dict[str, Any]]:
    """S3 does not answer: the bundle in service keeps serving."""
    yield shop.observe()
    shop.take_s3_away()
    broken = shop.observe()
    yield broken
    assert (broken["page"], broken["health"]["reason"]) == (200, "store_unavailable")
    assert broken["metrics"]["RefreshFailures"] == 1


def bundle_corrupt(shop: Shop) -> Iterator[dict[str, Any]]:
    """The new bundle's index is damaged: the old bundle serves, and a rollback ends the alarm."""
    before = shop.observe()
    yield before
    version = shop.publish(5)
    client, key = boto3.client("s3"), f"vitrine/{bundle_key(version, INDEX_FILE)}"
    data = bytearray(client.get_object(Bucket=shop.bucket, Key=key)["Body"].read())
    data[len(data) // 2] ^= 1
    client.put_object(Bucket=shop.bucket, Key=key, Body=bytes(data))
    broken = shop.observe()
    yield broken
    assert (broken["page"], broken["health"]["reason"]) == (200, "bundle_corrupt")
    assert broken["health"]["bundle"] == before["health"]["bundle"]
    assert broken["metrics"]["RefreshFailures"] == 1
    roll_back(shop.store)
    mended = shop.observe()
    yield mended
    assert mended["health"]["status"] == "ok"
    assert "RefreshFailures" not in mended["metrics"]


def key_gone(shop: Shop) -> Iterator[dict[str, Any]]:
    """The signing key is replaced instead of rotated: open sessions end, new ones start."""
    before = shop.observe()
    yield before
    shop.restart(NEW_KEY)
    broken = shop.observe(before["session"])
    yield broken
    assert broken["page"] == 403
    assert broken["metrics"] == {"SessionsRefused": 1, "Reason": "session_tampered"}
    shop.restart(f"{NEW_KEY},{KEY}")
    mended = shop.observe(before["session"])
    yield mended
    assert mended["page"] == 200


def reindex_failing(shop: Shop) -> Iterator[dict[str, Any]]:
    """The product table is broken: the run fails and names the row, and the bundle in service grows older."""
    before = shop.observe()
    yield before
    client = boto3.client("s3")
    client.put_object(Bucket=shop.bucket, Key="catalog/catalog.jsonl", Body=b'{"id": "one", "image": \n')
    os.environ |= {
        "VITRINE_CATALOG": f"s3://{shop.bucket}/catalog",
        "VITRINE_STATE": f"s3://{shop.bucket}/state",
    }
    try:
        job.plan_handler({}, _FullTime())
    except VitrineError as error:
        failure = error
    else:
        raise AssertionError("the re-index accepted a broken product table")
    finally:
        del os.environ["VITRINE_CATALOG"], os.environ["VITRINE_STATE"]
    after = shop.observe()
    yield after | {"re-index": f"{failure.code}: {failure.detail}"}
    assert after["page"] == 200
    assert after["health"] == before["health"]
    assert after["metrics"]["BundleAgeSeconds"] >= before["metrics"]["BundleAgeSeconds"]


class _FullTime:
    def get_remaining_time_in_millis(self) -> int:
        return 900_000


DRILLS = {
    "bundle-corrupt": bundle_corrupt,
    "key-gone": key_gone,
    "reindex-failing": reindex_failing,
    "s3-away": s3_away,
}


def run(name: str) -> list[dict[str, Any]]:
    """What `observe` saw at each step of a drill. Raises AssertionError if it does not end as it should."""
    before = dict(os.environ)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        disk = Path(folder) / "s3"
        disk.mkdir()
        server = contextlib.ExitStack()
        stack.callback(server.close)
        os.environ |= environment(server.enter_context(seaweed(disk)))
        bucket = new_bucket(boto3.client("s3"))
        try:
            os.environ |= {
                "VITRINE_BUNDLES": f"s3://{bucket}/vitrine",
                "VITRINE_CACHE": f"{folder}/cache",
                "VITRINE_REFRESH_SECONDS": "0",
                "VITRINE_EVENTS": "off",
                "AWS_LAMBDA_FUNCTION_NAME": "game-day",
            }
            shop = Shop(Path(folder), bucket, server.close)
            shop.restart()
            return list(DRILLS[name](shop))
        finally:
            os.environ.clear()
            os.environ.update(before)
            lambda_entry._adapter.cache_clear()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--drill", choices=DRILLS, action="append")
    for name in parser.parse_args().drill or DRILLS:
        print(f"\n{name}: {DRILLS[name].__doc__}")
        for step, seen in zip(("before", "broken", "mended"), run(name), strict=False):
            shown = {key: value for key, value in seen.items() if key != "session"}
            print(f"  {step:7} {json.dumps(shown)}")


if __name__ == "__main__":
    main()
