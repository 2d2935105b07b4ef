"""Objects that arrive in parts: whole, or an error and nothing left, whatever the server does."""

from __future__ import annotations

import hashlib
import io
import random
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from handler.errors import BundleCorrupt, StoreUnavailable
from handler.manifest import INDEX_FILE, bundle_key
from handler.stores import download, s3_client
from handler.stores.file_cache import FileCache
from handler.stores.s3_store import S3Store
from handler.stores.store import file_ref
from tests.faulty_proxy import faulty_proxy
from tests.s3_servers import environment, new_bucket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from handler.file_ref import FileRef
    from tests.faulty_proxy import FaultyProxy

KEY = bundle_key("v1", INDEX_FILE)
PART = 10_000
PARTS = 12
CONTENT = random.Random(1).randbytes((PARTS - 1) * PART + 1)


@pytest.fixture
def proxy(seaweed_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyProxy]:
    """In the place of S3, with parts and patience that suit a small object."""
    with faulty_proxy(seaweed_endpoint, slow_seconds=1) as proxy:
        for name, value in environment(proxy.address).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(s3_client, "READ_SECONDS", 0.5)
        monkeypatch.setattr(download, "PART_BYTES", PART)
        yield proxy


@pytest.fixture
def store(proxy: FaultyProxy, tmp_path: Path) -> S3Store:  # noqa: ARG001  sets the environment
    return S3Store(f"s3://{new_bucket(boto3.client('s3'))}", FileCache(tmp_path / "cache"))


@pytest.fixture
def expected(store: S3Store, tmp_path: Path) -> FileRef:
    """What the manifest says of the object that is in the store."""
    put(store, tmp_path, CONTENT)
    return file_ref(tmp_path / "source")


def put(store: S3Store, folder: Path, content: bytes) -> None:
    (folder / "source").write_bytes(content)
    store.put(KEY, folder / "source")


def kept(folder: Path) -> list[Path]:
    return [path for path in (folder / "cache").rglob("*") if path.is_file() and path.name != ".lock"]


def test_each_part_takes_one_request(store: S3Store, proxy: FaultyProxy, expected: FileRef) -> None:
    proxy.inject(None)
    assert store.fetch(KEY, expected).read_bytes() == CONTENT
    assert proxy.requests == PARTS


@pytest.mark.parametrize("fault", ["cut", "reset", "throttled", "slow"])
def test_a_part_is_asked_for_again(store: S3Store, proxy: FaultyProxy, expected: FileRef, fault: str) -> None:
    proxy.inject(fault, times=2)
    assert store.fetch(KEY, expected).read_bytes() == CONTENT
    assert proxy.requests == PARTS + 2


@pytest.mark.parametrize("fault", ["cut", "reset", "forbidden", "unavailable"])
def test_a_failure_ends_the_download_and_leaves_nothing(
    store: S3Store, proxy: FaultyProxy, expected: FileRef, tmp_path: Path, fault: str
) -> None:
    proxy.inject(fault)
    with pytest.raises(StoreUnavailable):
        store.fetch(KEY, expected)
    assert proxy.requests <= 2 * download._CONNECTIONS * s3_client.ATTEMPTS  # later parts are not asked for
    assert kept(tmp_path) == []


@pytest.mark.parametrize(
    "content",
    [CONTENT[:-1], CONTENT[:-PART], CONTENT[:PART], b"", CONTENT[:-1] + b"!", b"!" + CONTENT[1:]],
    ids=["without its last part", "within its last but one", "one part", "empty", "last byte", "first byte"],
)
def test_another_object_is_corrupt_and_leaves_nothing(
    store: S3Store, expected: FileRef, tmp_path: Path, content: bytes
) -> None:
    put(store, tmp_path, content)
    with pytest.raises(BundleCorrupt):
        store.fetch(KEY, expected)
    assert kept(tmp_path) == []


def test_what_is_hashed_is_what_is_in_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if the server ignores ranges, and sends whole objects that reach into parts which have been hashed."""
    monkeypatch.setattr(download, "PART_BYTES", PART)
    path = tmp_path / "object"
    path.touch()

    def get(consume: Callable[[Any], Any], /, **_: str) -> tuple[Any, str]:
        return consume(io.BytesIO(CONTENT)), "tag"

    digest = download.save_object(path, len(CONTENT), get)
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest() != hashlib.sha256(CONTENT).hexdigest()
    assert path.stat().st_size == len(CONTENT)
