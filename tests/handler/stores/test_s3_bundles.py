"""A shop served from S3, through the function that Lambda calls: new bundles come, and trouble leaves the old one."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ConnectionClosedError

from export.bundle.publish_bundle import copy_bundle
from handler import lambda_entry
from handler.errors import BundleCorrupt, CacheTooSmall, ConfigurationError, StoreUnavailable
from handler.local.local_server import create_local_app
from handler.local.local_state import LocalState
from handler.manifest import CATALOG_FILE, CURRENT_KEY, INDEX_FILE, bundle_key
from handler.open_bundle import OpenBundle
from handler.products.neighbors import HnswIndex
from handler.runtime import Runtime
from handler.settings import Settings
from handler.stores.file_cache import FileCache
from handler.stores.open_store import open_store
from handler.stores.pointer import next_current
from handler.stores.s3_client import S3Address
from handler.stores.s3_store import S3Store
from handler.stores.store import DirectoryStore, file_ref
from tests.conftest import KEY, draw_photos, run_index
from tests.handler.support import event, send
from tests.s3_servers import new_bucket, seaweed, use

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_s3 import S3Client


@pytest.fixture
def store(bucket: str, bundles: Path, tmp_path: Path) -> S3Store:
    """The 80 products, in S3."""
    there = S3Store(f"s3://{bucket}/vitrine", FileCache(tmp_path / "cache"))
    copy_bundle(DirectoryStore(bundles), there)
    return there


@pytest.fixture
def shop(store: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Store]:
    """The entry point, configured by its environment alone."""
    monkeypatch.setenv("VITRINE_BUNDLES", store.address)
    monkeypatch.setenv("VITRINE_SIGNING_KEYS", KEY)
    monkeypatch.setenv("VITRINE_CACHE", str(tmp_path / "lambda"))
    monkeypatch.setenv("VITRINE_REFRESH_SECONDS", "0")
    lambda_entry._adapter.cache_clear()
    yield store
    lambda_entry._adapter.cache_clear()


@pytest.fixture
def newer(bundles: Path, encoder_directory: Path, tmp_path: Path) -> DirectoryStore:
    """A later bundle, of 36 of the 80 products and with their labels, not yet in S3."""
    copy = shutil.copytree(bundles, tmp_path / "newer")
    run_index(draw_photos(tmp_path / "photos", per_colour=9) / "catalog.jsonl", copy, encoder_directory)
    return DirectoryStore(copy)


def test_a_session_continues_on_a_new_bundle(shop: S3Store, newer: DirectoryStore) -> None:
    page = send(event("start_session")).json
    seen = {item["id"] for item in page["items"]}
    assert page["remaining"] == 70
    copy_bundle(newer, shop)
    following = send(event("next_page", {"session": page["session"], "liked": sorted(seen)[:2]}))
    assert following.status == 200
    assert not seen & set(following.ids)
    assert all(int(name[-2:]) < 9 for name in following.ids)
    assert send(event("bundle")).json["version"] == newer.current().version


def test_a_corrupt_object_leaves_the_old_bundle(
    shop: S3Store, newer: DirectoryStore, s3: S3Client, caplog: pytest.LogCaptureFixture
) -> None:
    old = send(event("bundle")).json["version"]
    copy_bundle(newer, shop)
    place = S3Address.parse(shop.address)
    key = place.prefix + bundle_key(newer.current().version, INDEX_FILE)
    body = bytearray(s3.get_object(Bucket=place.bucket, Key=key)["Body"].read())
    body[-1] ^= 1
    s3.put_object(Bucket=place.bucket, Key=key, Body=bytes(body))
    with caplog.at_level(logging.ERROR):
        assert send(event("bundle")).json["version"] == old
        assert send(event("start_session")).status == 200
    assert "is not the file that its manifest names" in caplog.text
    copy_bundle(newer, shop)
    s3.put_object(Bucket=place.bucket, Key=key, Body=bytes(body[:-1]) + bytes([body[-1] ^ 1]))
    assert send(event("bundle")).json["version"] == newer.current().version


def test_a_first_bundle_that_is_corrupt_is_a_503(shop: S3Store, s3: S3Client) -> None:
    place = S3Address.parse(shop.address)
    key = place.prefix + bundle_key(shop.current().version, CATALOG_FILE)
    s3.put_object(Bucket=place.bucket, Key=key, Body=b"")
    answer = send(event("start_session"))
    assert (answer.status, answer.json["code"]) == (503, "bundle_corrupt")


def test_while_s3_is_down_the_old_bundle_is_served(
    bundles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "disk").mkdir()
    with seaweed(tmp_path / "disk") as endpoint:
        store = S3Store(f"s3://{new_bucket(use(endpoint, monkeypatch))}", FileCache(tmp_path / "cache"))
        copy_bundle(DirectoryStore(bundles), store)
        runtime = Runtime(
            Settings(bundles=store.address, signing_keys=(KEY,), refresh_seconds=0, cache=str(tmp_path / "cache"))
        )
        bundle = runtime.bundle()
    with caplog.at_level(logging.ERROR):
        assert runtime.bundle() is bundle
    assert f"staying with bundle {bundle.version}" in caplog.text
    with pytest.raises(StoreUnavailable, match="AWS_ENDPOINT_URL"):
        Runtime(runtime.settings).bundle()


def test_a_laptop_serves_bundles_from_s3(
    store: S3Store, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the photos of a folder here; what is this machine's own stays here."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("VITRINE_CACHE", str(tmp_path / "cache"))
    before = store.files("")
    create_local_app(store.address, photos)
    assert store.files("") == before
    state = LocalState.of(store.address)
    assert state.folder.is_relative_to(tmp_path / "xdg" / "vitrine")
    assert LocalState.of(store.address + "/").signing_key() == state.signing_key()
    assert LocalState.of(str(tmp_path)).folder == tmp_path / ".local"


@pytest.mark.usefixtures("s3")
def test_a_missing_bucket_is_reported(tmp_path: Path) -> None:
    store = S3Store("s3://no-such-bucket-here", FileCache(tmp_path))
    for ask in (store.current, lambda: store.files(""), store.leftovers):
        with pytest.raises(StoreUnavailable, match="no-such-bucket-here"):
            ask()


def test_wrong_credentials_are_reported(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(StoreUnavailable, match="credentials"):
        open_store(store.address).current()


def test_an_unchanged_pointer_costs_a_304(store: S3Store) -> None:
    known = store.current()
    answers: list[int] = []
    store.client.meta.events.register(
        "after-call.s3.GetObject", lambda http_response, **_: answers.append(http_response.status_code)
    )
    assert store.current(known) is known
    assert answers == [304]


def test_a_pointer_write_whose_response_was_lost_counts_as_done(store: S3Store) -> None:
    """botocore asks again after a broken connection, and S3 answers that the pointer has moved."""
    before = store.current()
    target = next_current(before, "v2", "0" * 64, 10)
    sent: list[object] = []

    def lose(request: object, **_: object) -> None:
        if not sent:
            sent.append(request)
            S3Store(store.address, store._cache).point(target, before.etag)
            raise ConnectionClosedError(endpoint_url="http://s3")

    store.client.meta.events.register("before-send.s3.PutObject", lose)
    assert store.point(target, before.etag).current == target
    assert sent


def test_an_upload_that_was_broken_off_is_found_and_aborted(store: S3Store, s3: S3Client) -> None:
    place = S3Address.parse(store.address)
    key = place.prefix + "bundles/v9/index.hnsw"
    upload = s3.create_multipart_upload(Bucket=place.bucket, Key=key)["UploadId"]
    s3.upload_part(Bucket=place.bucket, Key=key, UploadId=upload, PartNumber=1, Body=b"x" * 100)
    [leftover] = store.leftovers()
    assert (leftover.key, leftover.size) == ("bundles/v9/index.hnsw", 100)
    assert leftover not in store.files("")
    store.delete(leftover)
    store.delete(leftover)
    assert store.leftovers() == []


@pytest.mark.parametrize("address", ["s3://", "s3:///prefix", "s3://bucket/x?y=1", "s3://key@bucket"])
def test_addresses_that_are_none(address: str) -> None:
    with pytest.raises(ConfigurationError, match="s3://BUCKET"):
        open_store(address)


def test_addresses_are_normal() -> None:
    assert S3Address.parse("s3://shop") == S3Address("shop", "")
    assert S3Address.parse("s3://shop//a/b/") == S3Address("shop", "a/b/")
    assert str(S3Address.parse("s3://shop/a/")) == "s3://shop/a"


def test_an_open_bundle_outlives_its_local_copies(store: S3Store, tmp_path: Path) -> None:
    """They make room for a newer bundle, which may turn out to be damaged."""
    bundle = OpenBundle(store, store.current().version)
    shutil.rmtree(tmp_path / "cache")
    query = bundle.index.vectors([0])[1][0]
    assert isinstance(bundle.index, HnswIndex)
    assert bundle.index.search_graph(query, 5)[0][0] == 0
    assert bundle.catalog.by_labels([0])


class TestFileCache:
    """Copies of what a store holds, on a disk that is small and that other processes use."""

    @staticmethod
    def copied(source: Path) -> Callable[[Path], str]:
        """A download of `source`."""
        return lambda to: file_ref(Path(shutil.copy(source, to))).sha256

    @staticmethod
    def source(folder: Path, name: str, size: int) -> Path:
        path = folder / f"source-{name}"
        path.write_bytes(name.encode() * size)
        return path

    def test_the_least_recently_used_file_is_deleted_first(self, tmp_path: Path) -> None:
        cache = FileCache(tmp_path / "cache", megabytes=1)
        paths = {}
        for name in "abcad":
            source = self.source(tmp_path, name, 300_000)
            paths[name] = cache.fetch(name, file_ref(source), self.copied(source))
        assert {name for name, path in paths.items() if path.exists()} == {"a", "c", "d"}

    def test_a_file_beyond_the_limit_names_the_setting(self, tmp_path: Path) -> None:
        source = self.source(tmp_path, "a", 2_000_000)
        with pytest.raises(CacheTooSmall, match=r"2,000,000 bytes.*1,000,000.*VITRINE_CACHE_MEGABYTES"):
            FileCache(tmp_path / "cache", megabytes=1).fetch("a", file_ref(source), self.copied(source))

    def test_a_full_disk_names_the_setting(self, tmp_path: Path) -> None:
        def fill(_: Path) -> str:
            raise OSError(28, "No space left on device")

        with pytest.raises(CacheTooSmall, match="VITRINE_CACHE_MEGABYTES"):
            FileCache(tmp_path / "cache").fetch("a", file_ref(self.source(tmp_path, "a", 5)), fill)

    def test_a_spoilt_copy_is_fetched_again(self, tmp_path: Path) -> None:
        source = self.source(tmp_path, "a", 5)
        cache, expected = FileCache(tmp_path / "cache"), file_ref(source)
        path = cache.fetch("a/b", expected, self.copied(source))
        path.write_bytes(b"AAAAA")
        assert cache.fetch("a/b", expected, self.copied(source)).read_bytes() == b"aaaaa"
        cache.fetch("a/b", expected, lambda _: pytest.fail("downloaded what was there"))

    def test_a_corrupt_download_leaves_nothing(self, tmp_path: Path) -> None:
        cache = FileCache(tmp_path / "cache")
        expected = file_ref(self.source(tmp_path, "a", 5))
        for wrong in (self.source(tmp_path, "b", 5), self.source(tmp_path, "a", 4)):
            with pytest.raises(BundleCorrupt, match=r"^a/b is not"):
                cache.fetch("a/b", expected, self.copied(wrong))
        assert not list((tmp_path / "cache" / "a").iterdir())


def test_the_pointer_is_read_by_its_own_name(store: S3Store, s3: S3Client) -> None:
    place = S3Address.parse(store.address)
    answer = s3.get_object(Bucket=place.bucket, Key=f"vitrine/{CURRENT_KEY}")
    assert answer["ContentType"] == "application/json"
    assert store.current().version in answer["Body"].read().decode()
