"""Prune: what it deletes of a real S3 server, and what it leaves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from export.photos import partition
from export.reindex.prune import prune
from export.reindex.run import Run
from export.reindex.settings import ReindexSettings
from export.store.versions import list_versions
from tests.export.reindex.shop import Shop, shop
from tests.export.support import draw

if TYPE_CHECKING:
    import pytest

__all__ = ["shop"]
LATER = datetime.now(UTC) + timedelta(days=2)


def run_of(shop: Shop, **settings: str) -> Run:
    places = {name: f"s3://{shop.bucket}/{place}" for name, place in PLACES.items()}
    return Run(ReindexSettings(**places, cache=shop.cache, **settings))  # type: ignore[arg-type]


PLACES = {"catalog": "catalog", "bundles": "vitrine", "state": "state"}


def test_the_newest_five_bundles_stay_and_their_photos_are_untouched(shop: Shop) -> None:
    for number in range(7):
        draw(shop.folder / "000.png", 9_000 + number)
        shop.upload("000.png")
        shop.run()
    photos = shop.keys("catalog/")
    report = prune(run_of(shop), LATER)
    assert (report["status"], len(list_versions(shop.store))) == ("pruned", 5)
    assert shop.keys("catalog/") == photos
    assert shop.open().catalog is not None


def test_vectors_of_the_present_partition_stay_and_others_go_after_a_day(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.run()
    (before,) = shop.keys("state/vectors/")
    monkeypatch.setattr(partition, "PHOTOS_A_PART", 10)
    shop.upload("100.png")
    shop.run()
    present = set(shop.keys("state/vectors/"))
    assert before in present, "a run that still uses it may be under way"
    assert prune(run_of(shop), LATER)["parts"] == 1
    assert set(shop.keys("state/vectors/")) == present - {before}
    assert shop.run()["status"] == "unchanged"


def test_vectors_and_files_of_an_encoder_that_is_being_prepared_stay(shop: Shop) -> None:
    shop.run()
    fingerprint = "a" * 32
    for key in (f"state/vectors/{fingerprint}/00-0000", f"vitrine/models/{fingerprint}/encoder.onnx"):
        shop.s3.put_object(Bucket=shop.bucket, Key=key, Body=b"x")
    report = prune(run_of(shop, encoder=fingerprint), LATER)
    assert (report["parts"], report["models"]) == (0, 0)
    report = prune(run_of(shop), LATER)
    assert (report["parts"], report["models"]) == (1, 1)


def test_before_the_first_bundle_nothing_is_deleted(shop: Shop) -> None:
    shop.embed(shop.plan())
    assert prune(run_of(shop), LATER) == {"status": "pruned", "parts": 0, "bundles": 0, "models": 0, "bytes": 0}
