"""The steps of a re-index against a real S3 server: what they read, what they embed, what they publish."""

from __future__ import annotations

import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from export.bundle.write_bundle import describe_model
from export.photos import embed_catalog, partition
from export.reindex import build, embed_part, job
from export.store.rollback import roll_back
from export.store.versions import list_versions
from handler.errors import BundleCorrupt, CatalogError, ConfigurationError, RecallTooLow
from handler.pages import continue_session, start_session
from handler.runtime import Runtime
from handler.schemas import NextPage, StartSession
from handler.settings import Settings
from tests.conftest import KEY, draw_photos, run_index
from tests.export.reindex.shop import Context, Requests, Shop, requests, shop
from tests.export.support import draw

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["requests", "shop"]


def test_the_first_run_publishes_and_every_step_logs_its_report(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    report = shop.run()
    assert report["status"] == "published"
    counted = {name: report[name] for name in ("products", "new", "removed", "embedded", "downloaded", "skipped")}
    assert counted == {"products": 100, "new": 100, "removed": 0, "embedded": 100, "downloaded": 100, "skipped": 0}
    assert (report["recall"] >= 0.99, report["behind"]) == (True, 0)
    assert shop.store.current().version == report["version"]
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["event"] for line in lines if "event" in line] == ["plan", "embed", "build", "prune"]


def test_when_nothing_changed_two_small_objects_and_the_listing_are_read(shop: Shop, requests: Requests) -> None:
    first = shop.run()
    requests.sent.clear()
    report = shop.run()
    assert (report["status"], report["version"]) == ("unchanged", first["version"])
    assert Counter(requests.sent) == {
        ("ListObjectsV2", ""): 1,
        ("GetObject", "current.json"): 1,
        ("GetObject", "last-look.json"): 1,
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


def test_only_the_part_that_changed_is_embedded(
    shop: Shop, requests: Requests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partition, "PHOTOS_A_PART", 10)
    first = shop.plan()
    assert (first["parts"], first["of"], first["bits"]) == (16, 16, 4)
    assert shop.run()["status"] == "published"
    draw(shop.folder / "007.png", 7_000)
    shop.upload("007.png")
    planned = shop.plan()
    assert (planned["status"], planned["parts"], planned["part"]) == ("embed", 1, shop.items(planned)[0])
    requests.sent.clear()
    assert shop.embed(planned) == {"embedded": 1, "downloaded": 1, "unreadable": 0}


def test_parts_that_are_complete_are_not_planned_again_after_a_build_failed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partition, "PHOTOS_A_PART", 10)

    def fail(*_: Any) -> None:
        raise RecallTooLow("for a test")

    with monkeypatch.context() as patch:
        patch.setattr(build, "update_bundle", fail)
        with pytest.raises(RecallTooLow):
            shop.run()
    planned = shop.plan()
    assert (planned["status"], planned["parts"]) == ("build", 0)
    assert (shop.run()["status"], shop.run()["status"]) == ("published", "unchanged")


def test_builds_that_fail_again_and_again_wait_longer_and_force_does_not_wait(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any) -> None:
        raise RecallTooLow("for a test")

    with monkeypatch.context() as patch:
        patch.setattr(build, "update_bundle", fail)
        for _ in range(2):
            with pytest.raises(RecallTooLow):
                shop.run()
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "plan")
    capsys.readouterr()
    due = json.loads(shop.s3.get_object(Bucket=shop.bucket, Key="state/due.json")["Body"].read())
    due["since"] = (datetime.now(UTC) - timedelta(hours=5)).isoformat()
    shop.s3.put_object(Bucket=shop.bucket, Key="state/due.json", Body=json.dumps(due).encode())
    report = shop.run()
    assert (report["status"], report["overdue_hours"]) == ("waiting", 5.0)
    assert 59 < report["minutes"] <= 60
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (metric,) = [line for line in lines if "_aws" in line]
    assert (metric["PublishOverdueHours"], metric["FunctionName"]) == (5.0, "plan")
    assert shop.run(force=True)["status"] == "published"
    assert shop.run()["status"] == "unchanged"


def test_no_build_starts_sooner_than_publish_minutes_after_the_last(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.run()
    monkeypatch.setenv("VITRINE_PUBLISH_MINUTES", "30")
    shop.upload("100.png")
    assert shop.run()["status"] == "waiting"
    monkeypatch.setenv("VITRINE_PUBLISH_MINUTES", "0")
    assert shop.run()["status"] == "published"


def test_a_part_that_failed_leaves_its_products_as_they_were_and_the_publish_due(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One failed part in a hundred is tolerated: its replaced photos keep their vectors, its new ones come later."""
    monkeypatch.setattr(partition, "PHOTOS_A_PART", 10)
    shop.run()
    before = shop.open()
    draw(shop.folder / "007.png", 7_000)
    shop.upload("007.png", "100.png")
    planned = shop.plan()
    report = job.build_handler(planned, Context())
    assert (report["status"], report["behind"], report["products"]) == ("current", 2, 100)
    assert report["reasons"] == {"100.png": "The photo has not been embedded yet."}
    assert shop.store.current().version == before.manifest.version
    assert (shop.run()["behind"], shop.run()["status"]) == (0, "unchanged")
    assert shop.open().catalog.by_id("100") is not None


def test_a_grown_catalog_splits_its_parts_without_embedding_again(
    shop: Shop, requests: Requests, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.run()
    monkeypatch.setattr(partition, "PHOTOS_A_PART", 10)
    shop.upload("100.png")
    requests.sent.clear()
    report = shop.run()
    assert (report["status"], report["embedded"], report["products"]) == ("published", 1, 101)
    assert requests.photos == ["100.png"]


def test_the_bundle_equals_the_one_of_a_single_process(
    shop: Shop, tmp_path: Path, encoder_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partition, "PHOTOS_A_PART", 10)
    shop.upload("100.png")
    shop.run()
    alone = run_index(shop.folder, tmp_path / "bundles", encoder_directory)
    manifest = shop.open().manifest
    assert (
        manifest.contents
        == json.loads((tmp_path / "bundles" / "bundles" / alone.version / "manifest.json").read_text())["contents"]
    )
    assert manifest.files["catalog.sqlite"].sha256 is not None


def test_a_photo_whose_content_is_known_in_its_part_is_not_embedded_again(shop: Shop) -> None:
    shop.run()
    (shop.folder / "100.png").write_bytes((shop.folder / "003.png").read_bytes())
    shop.upload("100.png")
    shop.remove("003.png")
    report = shop.run()
    assert (report["downloaded"], report["embedded"], report["new"], report["removed"]) == (1, 0, 1, 1)


def test_two_at_once_do_no_harm(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both embed, both build; one publishes, the other says so, and the next run finds nothing to do."""
    barrier = threading.Barrier(2)
    update = build.update_bundle

    def together(*arguments: Any) -> Any:
        barrier.wait(60)
        return update(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(build, "update_bundle", together)
        with ThreadPoolExecutor(2) as pool:
            reports = list(pool.map(lambda _: shop.run(), range(2)))
    assert sorted(report["status"] for report in reports) == ["conflict", "published"]
    assert "another publisher was first" in next(r["detail"] for r in reports if r["status"] == "conflict")
    assert len(shop.open().catalog) == 100
    assert shop.run()["status"] in ("unchanged", "current")


def test_a_session_continues_when_a_photo_is_removed(shop: Shop) -> None:
    shop.run()
    runtime = Runtime(
        Settings(bundles=shop.store.address, signing_keys=(KEY,), refresh_seconds=0, cache=str(shop.cache))
    )
    page = start_session(runtime.serving(), StartSession(count=10, seed="s"))
    seen = {item["id"] for item in page["items"]}
    gone = sorted(seen)[0]
    shop.remove(f"{gone}.png")
    assert (shop.run()["removed"], shop.open().catalog.by_id(gone)) == (1, None)
    while page["remaining"]:
        page = continue_session(runtime.serving(), NextPage(session=page["session"], liked=[gone], count=30))
        assert not seen & {item["id"] for item in page["items"]}
        seen |= {item["id"] for item in page["items"]}
        gone = page["items"][0]["id"] if page["items"] else gone
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


def test_a_product_table_beside_the_photos_gives_ids_and_fields(shop: Shop, requests: Requests) -> None:
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
    assert shop.run()["status"] == "unchanged"


def test_a_broken_photo_is_skipped_with_its_reason_and_not_read_again(shop: Shop, requests: Requests) -> None:
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


def test_a_photo_that_kills_the_process_is_found_by_its_name(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first attempt dies, the second dies at the photo, the third skips it; so it takes two retries."""

    class Killed(BaseException):
        pass

    deadly = (shop.folder / "042.png").read_bytes()
    load = embed_catalog._load

    def die(path: Path, how: Any) -> Any:
        if path.read_bytes() == deadly:
            raise Killed
        return load(path, how)

    monkeypatch.setattr(embed_catalog, "_load", die)
    planned = shop.plan()
    (item,) = shop.items(planned)
    for _ in range(2):
        with pytest.raises(Killed):
            job.embed_handler(item, Context())
    report = job.embed_handler(item, Context())
    assert (report["poison"], report["photos"]) == (["042.png"], 100)
    built = job.build_handler(planned, Context())
    assert (built["products"], built["behind"]) == (99, 0)
    assert built["reasons"] == {"042.png": embed_part.DEADLY}
    assert shop.run()["status"] == "unchanged"


def test_time_that_runs_out_is_not_blamed_on_a_photo(shop: Shop) -> None:
    item = shop.items(shop.plan())[0]
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="needs more time"):
            job.embed_handler(item, Context(remaining=10))
    report = job.embed_handler(item, Context())
    assert (report["embedded"], report["poison"]) == (100, [])


def test_an_attempt_that_runs_out_of_time_keeps_what_it_embedded(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embed_part, "CHUNK", 40)
    context = Context(remaining=100)
    embed = embed_part.embed_photos

    def slowly(*arguments: Any) -> Any:
        context.remaining -= 30
        return embed(*arguments)

    monkeypatch.setattr(embed_part, "embed_photos", slowly)
    item = shop.items(shop.plan())[0]
    with pytest.raises(ConfigurationError, match="needs more time"):
        job.embed_handler(item, context)
    context.remaining = 10_000
    assert job.embed_handler(item, context)["embedded"] == 100 - 2 * 40


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


def test_an_empty_catalog_is_not_an_error_and_changes_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    version = shop.run()["version"]
    monkeypatch.setenv("VITRINE_CATALOG", f"s3://{shop.bucket}/nothing-here")
    assert shop.run() == {"status": "empty", "objects": 0, "skipped": 0}
    assert shop.store.current().version == version


def test_a_catalog_without_a_usable_photo_fails_with_the_first_reason(shop: Shop) -> None:
    for name in shop.keys("catalog/"):
        shop.s3.put_object(Bucket=shop.bucket, Key=name, Body=b"no photo")
    with pytest.raises(CatalogError, match="None of the 100 photos can be used"):
        shop.run()


def test_a_damaged_file_of_the_state_is_named_with_the_remedy(shop: Shop) -> None:
    shop.run()
    shop.upload("100.png")
    (part,) = shop.keys("state/vectors/")
    shop.s3.put_object(Bucket=shop.bucket, Key=part, Body=b"no vectors")
    with pytest.raises(ConfigurationError, match=r"is not a file of vectors.*Delete it"):
        shop.run()
    shop.s3.delete_object(Bucket=shop.bucket, Key=part)
    assert shop.run()["embedded"] == 101
    shop.s3.put_object(Bucket=shop.bucket, Key="state/last-look.json", Body=b"{}")
    with pytest.raises(ConfigurationError, match=r"last-look\.json is damaged"):
        shop.run()


def test_an_error_is_logged_with_its_code_and_raised(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    for suffix in ("csv", "jsonl"):
        (shop.folder / f"catalog.{suffix}").write_text("")
        shop.upload(f"catalog.{suffix}")
    with pytest.raises(CatalogError, match="Leave one of them"):
        shop.run()
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (line["level"], line["event"], line["status"], line["code"]) == (
        "ERROR",
        "plan",
        "failed",
        "catalog_invalid",
    )


def test_a_wrong_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_CACHE_MEGABYTES", "none")
    with pytest.raises(ConfigurationError, match=r"VITRINE_CATALOG.*VITRINE_BUNDLES.*VITRINE_CACHE_MEGABYTES"):
        job.plan_handler({}, Context())
