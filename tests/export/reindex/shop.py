"""A shop's bucket on a real S3 server, and the state machine of template.yaml in a few lines."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from botocore.client import BaseClient

from export.reindex import job
from handler.open_bundle import OpenBundle
from handler.stores.file_cache import FileCache
from handler.stores.s3_store import S3Store
from tests.export.support import draw

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

PHOTOS = 100


@dataclass
class Context:
    """Lambda's context of a function with time to spare."""

    remaining: float = 900.0

    def get_remaining_time_in_millis(self) -> int:
        return int(self.remaining * 1_000)


@dataclass
class Requests:
    """Every request to S3, by operation and by the last part of its key."""

    sent: list[tuple[str, str]] = field(default_factory=list)

    def of(self, operation: str) -> list[str]:
        return [key for name, key in self.sent if name == operation]

    @property
    def photos(self) -> list[str]:
        return [key for key in self.of("GetObject") if key.endswith((".jpg", ".png", ".heic"))]


@dataclass
class Shop:
    """`folder` holds the photos that can be uploaded."""

    s3: S3Client
    bucket: str
    folder: Path
    cache: Path

    def upload(self, *names: str) -> None:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(self._upload, names))

    def _upload(self, name: str) -> None:
        self.s3.upload_file(str(self.folder / name), self.bucket, f"catalog/{name}")

    def remove(self, name: str) -> None:
        self.s3.delete_object(Bucket=self.bucket, Key=f"catalog/{name}")

    def keys(self, prefix: str) -> list[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def plan(self, **event: Any) -> dict[str, Any]:
        return job.plan_handler(event, Context())

    def items(self, planned: dict[str, Any]) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = json.loads(
            self.s3.get_object(Bucket=planned["bucket"], Key=planned["items"])["Body"].read()
        )
        return items

    def embed(self, planned: dict[str, Any]) -> dict[str, int]:
        """Embed every item of a plan; the sums of the reports."""
        reports = [job.embed_handler(item, Context()) for item in self.items(planned)]
        return {name: sum(report[name] for report in reports) for name in ("embedded", "downloaded", "unreadable")}

    def run(self, **event: Any) -> dict[str, Any]:
        """One execution of the state machine: its last report, with the counts of the parts."""
        planned = self.plan(**event)
        if planned["status"] not in ("embed", "build"):
            return planned
        counts = self.embed(planned) if planned["status"] == "embed" else {"embedded": 0, "downloaded": 0}
        report = job.build_handler(planned, Context())
        job.prune_handler({}, Context())
        return {**counts, **report}

    @property
    def store(self) -> S3Store:
        return S3Store(f"s3://{self.bucket}/vitrine", FileCache(self.cache))

    def open(self) -> OpenBundle:
        return OpenBundle(self.store, self.store.current().version)

    def labels(self) -> dict[str, int]:
        return self.open().catalog.labels_of([name.removesuffix(".png") for name in names_of(range(PHOTOS + 20))])


def names_of(numbers: range) -> list[str]:
    return [f"{number:03}.png" for number in numbers]


@pytest.fixture
def shop(s3: S3Client, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoder_directory: Path) -> Shop:
    """A bucket with 100 photos and nothing indexed, and the functions' environment."""
    for name in names_of(range(PHOTOS + 1)):
        draw(tmp_path / "photos" / name, int(name[:3]))
    shop = Shop(s3, bucket, tmp_path / "photos", tmp_path / "cache")
    shop.upload(*names_of(range(PHOTOS)))
    monkeypatch.setenv("VITRINE_CATALOG", f"s3://{bucket}/catalog")
    monkeypatch.setenv("VITRINE_BUNDLES", shop.store.address)
    monkeypatch.setenv("VITRINE_STATE", f"s3://{bucket}/state")
    monkeypatch.setenv("VITRINE_CACHE", str(shop.cache))
    monkeypatch.setenv("VITRINE_MODEL", str(encoder_directory))
    return shop


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> Requests:
    seen = Requests()
    send = BaseClient._make_api_call

    def count(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        seen.sent.append((operation, str(parameters.get("Key", "")).rpartition("/")[2]))
        return send(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", count)
    return seen
