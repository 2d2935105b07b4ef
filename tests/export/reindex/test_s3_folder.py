"""Listing a catalog: one request if it is small, its directories in parallel if it is large."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from export.reindex import s3_folder
from export.reindex.s3_folder import S3Folder
from handler.errors import BundleNotFound, StoreUnavailable
from tests.export.reindex.shop import Requests, requests

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["requests"]


@pytest.mark.parametrize("limit", [32, 1], ids=["in parallel", "in one go"])
def test_a_listing_of_many_pages_finds_every_object_once(
    s3: S3Client, bucket: str, monkeypatch: pytest.MonkeyPatch, requests: Requests, limit: int
) -> None:
    names = [f"{place}{number}.jpg" for place in ("", "a/", "a/deep/", "b b/") for number in range(3)]
    for name in [*names, "a/", "other"]:
        s3.put_object(Bucket=bucket, Key=f"catalog/{name}" if name != "other" else name, Body=name.encode())
    folder = S3Folder(f"s3://{bucket}/catalog")
    assert set(folder.list()) == set(names)
    assert Counter(requests.of("ListObjectsV2")) == {"": 1}
    monkeypatch.setattr(s3_folder, "PAGE", 2)
    monkeypatch.setattr(s3_folder, "MAX_PREFIXES", limit)
    found = folder.list()
    assert set(found) == set(names)
    assert {name: one.size for name, one in found.items()} == {name: len(name) for name in names}


def test_what_is_missing_and_what_is_forbidden_are_told_apart(bucket: str) -> None:
    with pytest.raises(BundleNotFound, match="There is no"):
        S3Folder(f"s3://{bucket}/state").read("nothing")
    with pytest.raises(StoreUnavailable):
        S3Folder(f"s3://{bucket}-of-nobody").list()
