"""An S3 that is slow, throttled, broken or lying: bounded retries, then service from the last good bundle."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import boto3
import pytest

from export.bundle.publish_bundle import copy_bundle
from handler import lambda_entry
from handler.errors import BundleCorrupt, PublishConflict, StoreUnavailable
from handler.manifest import CATALOG_FILE, MANIFEST_FILE, Manifest, bundle_key
from handler.stores import s3_client
from handler.stores.file_cache import FileCache
from handler.stores.pointer import next_current
from handler.stores.s3_store import S3Store
from handler.stores.store import DirectoryStore
from tests.conftest import KEY
from tests.faulty_proxy import FAULTS, faulty_proxy
from tests.handler.support import event, send
from tests.s3_servers import environment, new_bucket

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.faulty_proxy import FaultyProxy

SILENT_SECONDS = 0.5
HARMLESS = {"wrong etag"}
"""A tag that is not the pointer's only makes the next read a full one."""
TRANSIENT = ("slow", "throttled", "unavailable", "internal", "reset")


@pytest.fixture
def proxy(seaweed_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyProxy]:
    """In the place of S3, with the client's patience shortened so that the tests need less."""
    with faulty_proxy(seaweed_endpoint, slow_seconds=3 * SILENT_SECONDS) as proxy:
        for name, value in environment(proxy.address).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(s3_client, "READ_SECONDS", SILENT_SECONDS)
        yield proxy


@pytest.fixture
def store(proxy: FaultyProxy, bundles: Path, tmp_path: Path) -> S3Store:  # noqa: ARG001  sets the environment
    """The 80 products, behind the proxy."""
    made = S3Store(f"s3://{new_bucket(boto3.client('s3'))}/vitrine", FileCache(tmp_path / "cache"))
    copy_bundle(DirectoryStore(bundles), made)
    return made


@pytest.fixture
def api(store: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Store]:
    """The Lambda's entry point over `store`; it asks for a newer bundle at every request."""
    for name, value in {
        "VITRINE_BUNDLES": store.address,
        "VITRINE_SIGNING_KEYS": KEY,
        "VITRINE_CACHE": str(tmp_path / "lambda"),
        "VITRINE_REFRESH_SECONDS": "0",
        "VITRINE_METRICS": "on",
        "AWS_LAMBDA_FUNCTION_NAME": "shop-api",
    }.items():
        monkeypatch.setenv(name, value)
    lambda_entry._adapter.cache_clear()
    yield store
    lambda_entry._adapter.cache_clear()


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault not in HARMLESS])
def test_a_process_with_a_bundle_serves_on_and_says_degraded(
    api: S3Store, proxy: FaultyProxy, capsys: pytest.CaptureFixture[str], fault: str
) -> None:
    page = send(event("start_session"))
    assert page.status == 200
    move(api)  # a pointer to read, not a 304
    capsys.readouterr()
    proxy.inject(fault)
    for _ in range(2):
        assert send(event("start_session")).status == 200
    assert 2 <= proxy.requests <= 2 * s3_client.ATTEMPTS
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "RefreshFailures" in line]
    assert [line["RefreshFailures"] for line in lines] == [1, 1]
    health = send(event("health")).json
    assert health["status"] == "degraded"
    proxy.inject(None)
    send(event("start_session"))
    assert send(event("health")).json["status"] == "ok"


@pytest.mark.usefixtures("api")
def test_a_wrong_tag_costs_a_read_and_nothing_else(proxy: FaultyProxy) -> None:
    assert send(event("start_session")).status == 200
    proxy.inject("wrong etag")
    for _ in range(3):
        assert send(event("start_session")).status == 200
    assert send(event("health")).json["status"] == "ok"


@pytest.mark.parametrize("fault", TRANSIENT)
def test_a_fault_that_passes_is_not_noticed(store: S3Store, proxy: FaultyProxy, fault: str) -> None:
    expected = store.current()
    proxy.inject(fault, times=s3_client.ATTEMPTS - 1)
    assert store.current() == expected
    assert proxy.requests == s3_client.ATTEMPTS


def test_a_body_that_is_cut_once_is_read_again(store: S3Store, proxy: FaultyProxy) -> None:
    """botocore asks again for an answer, but not for the rest of one."""
    expected = store.current()
    proxy.inject("cut", times=1)
    assert store.current() == expected
    proxy.inject("cut", times=1)
    assert store.read(bundle_key(expected.version, MANIFEST_FILE)).endswith(b"}")


def test_a_small_file_takes_one_request_and_is_read_again_if_cut(store: S3Store, proxy: FaultyProxy) -> None:
    version = store.current().version
    catalog = Manifest.parse(store.read(bundle_key(version, MANIFEST_FILE)), version).files[CATALOG_FILE]
    key = bundle_key(version, CATALOG_FILE)
    before = proxy.requests
    path = store.fetch(key, catalog)
    assert proxy.requests == before + 1
    path.unlink()
    proxy.inject("cut", times=1)
    assert store.fetch(key, catalog) == path


@pytest.mark.parametrize("fault", [*TRANSIENT, "forbidden", "cut", "empty"])
def test_a_first_bundle_that_cannot_be_read_is_an_error_after_bounded_attempts(
    store: S3Store, proxy: FaultyProxy, fault: str
) -> None:
    proxy.inject(fault)
    with pytest.raises((StoreUnavailable, BundleCorrupt)):
        store.current()
    assert proxy.requests <= s3_client.ATTEMPTS


def test_a_lie_about_the_tag_keeps_a_publisher_from_publishing(store: S3Store, proxy: FaultyProxy) -> None:
    """Its condition is not the pointer's, so S3 refuses; nothing is overwritten."""
    proxy.inject("wrong etag", times=1)
    lied_to = store.current()
    with pytest.raises(PublishConflict, match="another publisher was first"):
        store.point(next_current(lied_to, "v2", "0" * 64, 100), lied_to.etag)
    assert store.current().version == lied_to.version


def move(store: S3Store) -> None:
    """Write the pointer anew, to the same bundle."""
    before = store.current()
    current = before.current
    assert current.manifest_sha256
    assert current.next_label
    store.point(next_current(before, current.version, current.manifest_sha256, current.next_label), before.etag)
