"""The scheduled re-index against a real S3 server: what it reads, what it embeds, and where it stops and goes on."""

from __future__ import annotations

import json
import logging
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from botocore.client import BaseClient

from export.bundle.write_bundle import describe_model
from export.photos.embed_catalog import embed_photos
from export.reindex import reindex_catalog, spool_photos
from export.reindex.job import handler
from export.store.rollback import roll_back
from export.store.versions import list_versions
from handler.errors import BundleCorrupt, CatalogError, ConfigurationError
from handler.open_bundle import OpenBundle
from handler.pages import continue_session, start_session
from handler.runtime import Runtime
from handler.schemas import NextPage, StartSession
from handler.settings import Settings
from handler.stores.file_cache import FileCache
from handler.stores.s3_store import S3Store
from tests.conftest import KEY, draw_photos
from tests.export.support import draw

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

PHOTOS = 100


@dataclass
class Context:
    """Lambda's, whose clock the test turns: a photo takes a second."""

    remaining: float = 900.0

    def get_remaining_time_in_millis(self) -> int:
        return int(self.remaining * 1000)


@dataclass
class Requests:
    """Every request to S3, by operation and by the last part of its key."""

    sent: list[tuple[str, str]] = field(default_factory=list)

    def of(self, operation: str) -> list[str]:
        return [key for name, key in self.sent if name == operation]

    @property
    def photos(self) -> list[str]:
        return [key for key in self.of("GetObject") if key.endswith((".jpg", ".png"))]


@dataclass
class Shop:
    s3: S3Client
    bucket: str
    folder: Path
    cache: Path

    def upload(self, *names: str) -> None:
        for name in names:
            self.s3.upload_file(str(self.folder / name), self.bucket, f"catalog/{name}")

    def remove(self, name: str) -> None:
        self.s3.delete_object(Bucket=self.bucket, Key=f"catalog/{name}")

    def run(self, context: Context | None = None, **event: Any) -> dict[str, Any]:
        return handler(event, context or Context())

    @property
    def store(self) -> S3Store:
        return S3Store(f"s3://{self.bucket}/vitrine", FileCache(self.cache))

    def open(self) -> OpenBundle:
        return OpenBundle(self.store, self.store.current().version)

    def labels(self) -> dict[str, int]:
        return self.open().catalog.labels_of(name.removesuffix(".png") for name in names_of(range(PHOTOS + 20)))


def names_of(numbers: range) -> list[str]:
    return [f"{number:03}.png" for number in numbers]


@pytest.fixture
def shop(s3: S3Client, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoder_directory: Path) -> Shop:
    """A bucket with 100 photos and nothing indexed, and the job's environment."""
    for name in names_of(range(PHOTOS + 1)):
        draw(tmp_path / "photos" / name, int(name[:3]))
    shop = Shop(s3, bucket, tmp_path / "photos", tmp_path / "cache")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(shop.upload, names_of(range(PHOTOS))))
    monkeypatch.setenv("VITRINE_CATALOG", f"s3://{bucket}/catalog")
    monkeypatch.setenv("VITRINE_BUNDLES", shop.store.address)
    monkeypatch.setenv("VITRINE_CACHE", str(shop.cache))
    monkeypatch.setenv("VITRINE_MODEL", str(encoder_directory))
    monkeypatch.setattr(spool_photos, "CHUNK", 16)
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


def slow(context: Context, seconds: float) -> Callable[..., Any]:
    """The encoder, at so many seconds a chunk of the context's clock."""

    def embed(*arguments: Any) -> Any:
        context.remaining -= seconds
        return embed_photos(*arguments)

    return embed


def test_the_first_run_publishes_and_reports(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        report = shop.run()
    assert report["status"] == "published"
    counted = {name: report[name] for name in ("products", "new", "removed", "embedded", "downloaded", "skipped")}
    assert counted == {"products": 100, "new": 100, "removed": 0, "embedded": 100, "downloaded": 100, "skipped": 0}
    assert report["recall"] >= 0.99
    assert shop.store.current().version == report["version"]
    assert json.loads(caplog.records[-1].message) == {"event": "reindex", **report}
    assert json.loads(json.dumps(report)) == report


def test_when_nothing_changed_only_metadata_is_read(shop: Shop, requests: Requests) -> None:
    first = shop.run()
    requests.sent.clear()
    report = shop.run()
    assert (report["status"], report["version"]) == ("unchanged", first["version"])
    assert Counter(requests.sent) == {
        ("ListObjectsV2", ""): 1,
        ("GetObject", "current.json"): 1,
        ("GetObject", "last-run.json"): 1,
    }


def test_when_one_in_a_hundred_changed_only_that_is_read_and_embedded(shop: Shop, requests: Requests) -> None:
    shop.run()
    before = shop.labels()
    draw(shop.folder / "007.png", 7_000)
    shop.upload("007.png")
    requests.sent.clear()
    report = shop.run()
    assert (report["status"], report["embedded"], report["new"], report["removed"]) == ("published", 1, 0, 0)
    assert requests.photos == ["007.png"]
    assert not [key for key in requests.of("PutObject") if key == "encoder.onnx"]
    assert shop.labels() == before


def test_a_photo_that_moved_is_not_embedded_again(shop: Shop) -> None:
    shop.run()
    (shop.folder / "100.png").write_bytes((shop.folder / "003.png").read_bytes())
    shop.upload("100.png")
    shop.remove("003.png")
    report = shop.run()
    assert (report["downloaded"], report["embedded"], report["new"], report["removed"]) == (1, 0, 1, 1)


def test_it_stops_before_the_limit_and_goes_on_from_there(
    shop: Shop, requests: Requests, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports = []
    for seconds in (60, 75, 26, 900):
        context = Context(seconds)
        monkeypatch.setattr(spool_photos, "embed_photos", slow(context, 12.0))
        reports.append(shop.run(context))
        assert context.remaining > 10
    assert [report["status"] for report in reports] == ["partial", "partial", "partial", "published"]
    assert [report["embedded"] for report in reports] == [32, 64, 4, 0]
    assert [report.get("pending") for report in reports] == [68, 4, 0, None]
    assert max(Counter(requests.photos).values()) == 1
    assert reports[-1]["products"] == 100


def test_a_run_that_is_killed_costs_what_was_embedded_since_the_last_checkpoint(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    calls = 0

    def embed(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise Killed
        return embed_photos(*arguments)

    monkeypatch.setattr(reindex_catalog, "CHECKPOINT_SECONDS", -1.0)
    monkeypatch.setattr(spool_photos, "embed_photos", embed)
    with pytest.raises(Killed):
        shop.run()
    assert shop.run()["embedded"] == 100 - 3 * 16


def test_two_at_once_do_no_harm(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both embed, both build; one publishes, the other says so, and what both embedded is kept."""
    barrier = threading.Barrier(2)
    build = reindex_catalog.update_bundle

    def together(*arguments: Any) -> Any:
        barrier.wait(60)
        return build(*arguments)

    monkeypatch.setattr(reindex_catalog, "update_bundle", together)
    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(lambda _: shop.run(), range(2)))
    assert sorted(report["status"] for report in reports) == ["conflict", "published"]
    assert "another publisher was first" in next(r["detail"] for r in reports if r["status"] == "conflict")
    assert len(shop.open().catalog) == 100


def test_what_another_run_saved_is_kept(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The slow one saves after the fast one, upon what that has saved."""
    embed, first = embed_photos, True

    def overtaken(*arguments: Any) -> Any:
        nonlocal first
        if first:
            first = False
            shop.upload("100.png")
            assert shop.run()["embedded"] == 101
            shop.remove("000.png")
        return embed(*arguments)

    monkeypatch.setattr(spool_photos, "embed_photos", overtaken)
    assert shop.run()["status"] == "conflict"
    report = shop.run()
    assert (report["status"], report["embedded"], report["downloaded"]) == ("published", 0, 0)


def test_a_session_goes_on_when_a_photo_is_removed(shop: Shop) -> None:
    shop.run()
    runtime = Runtime(
        Settings(bundles=shop.store.address, signing_keys=(KEY,), refresh_seconds=0, cache=str(shop.cache))
    )
    page = start_session(runtime.serving(), StartSession(count=10, seed="s"))
    seen = {item.id for item in page.items}
    gone = sorted(seen)[0]
    shop.remove(f"{gone}.png")
    assert (shop.run()["removed"], shop.open().catalog.by_id(gone)) == (1, None)
    while page.remaining:
        page = continue_session(runtime.serving(), NextPage(session=page.session, liked=[gone], count=30))
        assert not seen & {item.id for item in page.items}
        seen |= {item.id for item in page.items}
        gone = page.items[0].id if page.items else gone
    assert len(seen) == 100


def test_a_rollback_stays_until_the_catalog_changes_and_labels_are_never_reused(shop: Shop) -> None:
    first = shop.run()
    shop.upload("100.png")
    assert shop.run()["new"] == 1
    store = shop.store
    roll_back(store, first["version"])
    assert (shop.run()["status"], shop.store.current().version) == ("unchanged", first["version"])
    draw(shop.folder / "101.png", 101)
    shop.upload("101.png")
    assert shop.run()["new"] == 2
    labels = shop.labels()
    assert (labels["100"], labels["101"]) == (100, 101)
    assert len(list_versions(store)) == 3


def test_a_manifest_beside_the_photos_gives_ids_and_fields(shop: Shop, requests: Requests) -> None:
    draw_photos(shop.folder / "drawn", per_colour=2)
    lines = (shop.folder / "drawn" / "catalog.jsonl").read_text()
    (shop.folder / "catalog.jsonl").write_text(lines.replace('"image": "', '"image": "drawn/'))
    drawn = [f"drawn/{path.parent.name}/{path.name}" for path in (shop.folder / "drawn").glob("*/*.jpg")]
    shop.upload("catalog.jsonl", *drawn[1:])
    report = shop.run()
    assert (report["products"], report["skipped"], len(requests.photos)) == (7, 1, 7)
    assert report["reasons"] == {drawn[0]: "There is no such photo."}
    assert {"name", "colour", "price"} <= {info.name for info in shop.open().catalog.info.fields}
    (shop.folder / "catalog.jsonl").write_text(lines.replace('"image": "', '"image": "drawn/').replace("10.0", "9.5"))
    shop.upload("catalog.jsonl")
    requests.sent.clear()
    assert (shop.run()["status"], requests.photos) == ("published", [])


def test_what_is_no_photo_is_skipped_with_its_reason_and_not_read_again(shop: Shop, requests: Requests) -> None:
    (shop.folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    shop.upload("broken.png")
    report = shop.run()
    assert (report["products"], report["skipped"], list(report["reasons"])) == (100, 1, ["broken.png"])
    shop.upload("100.png")
    requests.sent.clear()
    assert (shop.run()["downloaded"], requests.photos) == (1, ["100.png"])


def test_pictures_in_unsupported_formats_are_in_the_report_and_not_downloaded(shop: Shop, requests: Requests) -> None:
    (shop.folder / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic")
    shop.upload("phone.heic")
    report = shop.run()
    assert (report["products"], report["skipped"]) == (100, 1)
    assert report["reasons"] == {"phone.heic": "HEIC files are not supported; convert it to JPEG, PNG or WebP."}
    assert "phone.heic" not in requests.photos
    assert shop.run()["status"] == "unchanged"


def test_force_looks_at_everything_again_and_publishes_nothing_if_nothing_changed(shop: Shop) -> None:
    version = shop.run()["version"]
    report = shop.run(force=True)
    assert (report["status"], report["version"], report["embedded"]) == ("current", version, 0)


def test_the_encoder_of_the_current_bundle_is_kept(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.run()
    vector_space = shop.open().vector_space
    monkeypatch.delenv("VITRINE_MODEL")
    shop.upload("100.png")
    assert shop.run()["embedded"] == 1
    assert shop.open().vector_space == vector_space


def test_an_encoder_in_the_store_is_chosen_by_its_fingerprint(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, encoder_directory: Path
) -> None:
    monkeypatch.delenv("VITRINE_MODEL")
    fingerprint = describe_model(encoder_directory).fingerprint
    monkeypatch.setenv("VITRINE_ENCODER", fingerprint)
    with pytest.raises(ConfigurationError, match=f"There is no models/{fingerprint}"):
        shop.run()
    for path in encoder_directory.iterdir():
        shop.store.put(f"models/{fingerprint}/{path.name}", path)
    assert shop.run()["status"] == "published"
    assert shop.open().manifest.model.fingerprint == fingerprint
    assert shop.run()["status"] == "unchanged"
    monkeypatch.setenv("VITRINE_ENCODER", "0" * 32)
    for path in encoder_directory.iterdir():
        shop.store.put(f"models/{'0' * 32}/{path.name}", path)
    with pytest.raises(BundleCorrupt, match=fingerprint):
        shop.run()


def test_an_empty_catalog_fails_and_changes_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    version = shop.run()["version"]
    monkeypatch.setenv("VITRINE_CATALOG", f"s3://{shop.bucket}/nothing-here")
    with pytest.raises(CatalogError, match="is empty"):
        shop.run()
    assert json.loads(caplog.records[-1].message)["status"] == "failed"
    assert shop.store.current().version == version


def test_a_wrong_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_CACHE_MEGABYTES", "none")
    with pytest.raises(ConfigurationError, match=r"VITRINE_CATALOG.*VITRINE_BUNDLES.*VITRINE_CACHE_MEGABYTES"):
        handler({}, Context())
