"""A bundle in the function's artifact: served without its objects in S3, replaced by newer ones, limited in size."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from export.bundle.publish_bundle import copy_bundle
from handler import lambda_entry, runtime
from handler.manifest import CATALOG_FILE, INDEX_FILE, bundle_key
from handler.stores.file_cache import FileCache
from handler.stores.s3_client import S3Address
from handler.stores.s3_store import S3Store
from handler.stores.store import DirectoryStore
from infra import bake_bundle, build_function, check_artifact
from tests.conftest import KEY, draw_photos, run_index
from tests.handler.support import event, send

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

INFRA = build_function.ROOT / "infra"
# A process that has the artifact's own modules: a first page, a page of neighbors and a photo's neighbors.
ANSWER = """
import json, sys
import handler
from handler.lambda_entry import handler as answer
start, following, photo = json.load(sys.stdin)
first = json.loads(answer(start, None)["body"])
liked = [item["id"] for item in first["items"][:2]]
following["body"] = json.dumps({"session": first["session"], "liked": liked})
answers = [answer(following, None), answer(photo, None)]
print(json.dumps({"from": handler.__file__, "first": first, "status": [one["statusCode"] for one in answers]}))
"""


@pytest.fixture
def artifact(bundles: Path, tmp_path: Path) -> Path:
    """What the build lays out for the API function, without the libraries, with the 80 products baked in."""
    folder = tmp_path / "ApiFunction"
    build_function.copy_ours(build_function.FUNCTIONS["ApiFunction"], folder)
    done = bake(bundles, folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def shop(bundles: Path, bucket: str, s3: S3Client, tmp_path: Path) -> S3Store:
    """The same bundle in S3, of which only the pointer is left."""
    there = S3Store(f"s3://{bucket}/vitrine", FileCache(tmp_path / "publisher"))
    copy_bundle(DirectoryStore(bundles), there)
    place = S3Address.parse(there.address)
    for stored in [*there.files("bundles/"), *there.files("models/")]:
        s3.delete_object(Bucket=place.bucket, Key=place.prefix + stored.key)
    return there


@pytest.fixture
def baked(artifact: Path, shop: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The artifact's bundle, for the entry point in this process."""
    monkeypatch.setattr(runtime, "BAKED", artifact / bake_bundle.BAKED)
    for name, value in variables(shop, tmp_path).items():
        monkeypatch.setenv(name, value)
    lambda_entry._adapter.cache_clear()
    yield runtime.BAKED
    lambda_entry._adapter.cache_clear()


def bake(store: Path, artifact: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(INFRA / "bake_bundle.py"), str(store), str(artifact)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def variables(shop: S3Store, folder: Path) -> dict[str, str]:
    return {
        "VITRINE_BUNDLES": shop.address,
        "VITRINE_SIGNING_KEYS": KEY,
        "VITRINE_CACHE": str(folder / "cache"),
        "VITRINE_REFRESH_SECONDS": "0",
        "VITRINE_EVENTS": "off",
    }


def test_an_artifact_serves_its_bundle_without_asking_s3_for_it(artifact: Path, shop: S3Store, tmp_path: Path) -> None:
    environment = {**os.environ, **variables(shop, tmp_path), "PYTHONPATH": str(artifact)}
    done = subprocess.run(
        [sys.executable, "-c", ANSWER],
        input=json.dumps([event("start_session"), event("next_page"), event("search_image")]),
        env=environment,
        cwd=artifact,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answered: dict[str, Any] = json.loads(done.stdout)
    assert answered["from"].startswith(str(artifact))
    assert len(answered["first"]["items"]) == 10
    assert answered["status"] == [200, 200]
    assert not (tmp_path / "cache").exists()


def test_a_newer_bundle_takes_over_from_the_baked_one(
    baked: Path, shop: S3Store, bundles: Path, encoder_directory: Path, tmp_path: Path
) -> None:
    page = send(event("start_session")).json
    assert page["remaining"] == 70
    newer = shutil.copytree(bundles, tmp_path / "newer")
    run_index(draw_photos(tmp_path / "photos", per_colour=9) / "catalog.jsonl", newer, encoder_directory)
    publisher = S3Store(shop.address, FileCache(tmp_path / "publisher", baked=baked))  # compares old labels and new
    manifest = copy_bundle(DirectoryStore(newer), publisher)
    following = send(event("next_page", {"session": page["session"], "liked": [page["items"][0]["id"]]}))
    assert following.status == 200
    assert send(event("bundle")).json["version"] == manifest.version
    assert send(event("search_image")).status == 200
    assert list((tmp_path / "cache" / "bundles").iterdir())
    assert not (tmp_path / "cache" / "models").exists()  # the encoder is the baked one


@pytest.mark.parametrize("name", [CATALOG_FILE, INDEX_FILE])
def test_a_damaged_baked_file_is_not_opened(baked: Path, shop: S3Store, name: str) -> None:
    path = baked / bundle_key(shop.current().version, name)
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    page = send(event("start_session"))
    if name == INDEX_FILE:  # first opened by the first search
        page = send(event("next_page", {"session": page.json["session"], "liked": [page.ids[0]]}))
    assert (page.status, page.json["code"]) == (503, "bundle_corrupt")


def test_a_large_bundle_is_refused_and_nothing_copied(bundles: Path, tmp_path: Path) -> None:
    store = shutil.copytree(bundles, tmp_path / "large")
    index = store / bundle_key(DirectoryStore(store).current().version, INDEX_FILE)
    os.truncate(index, 51_000_000)
    done = bake(store, tmp_path / "artifact")
    assert done.returncode == 1
    assert "has 51." in done.stderr
    assert "more than the 50 MB that can be baked" in done.stderr
    assert f"its largest file is {index.relative_to(store)}" in done.stderr
    assert not (tmp_path / "artifact").exists()


def test_stores_that_cannot_be_baked_are_refused(bundles: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="aws s3 sync s3://shop/vitrine bundles"):
        bake_bundle.bake("s3://shop/vitrine", tmp_path / "artifact")
    with pytest.raises(SystemExit, match=r"there is no current.json in .*vitrine index PHOTOS --out"):
        bake_bundle.bake(str(tmp_path), tmp_path / "artifact")
    store = shutil.copytree(bundles, tmp_path / "damaged")
    catalog = store / bundle_key(DirectoryStore(store).current().version, CATALOG_FILE)
    catalog.write_bytes(catalog.read_bytes()[:-1] + b"!")
    with pytest.raises(SystemExit, match=r"catalog.sqlite has sha256 .* its manifest says"):
        bake_bundle.bake(str(store), tmp_path / "artifact")


def test_the_build_bakes_into_the_api_function_alone() -> None:
    def commands(function: str, *settings: str) -> str:
        command = ["make", "-n", "-f", str(INFRA / "Makefile"), f"build-{function}", "ARTIFACTS_DIR=there", *settings]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    built, baked_in, checked = commands("ApiFunction", "BUNDLE=my shop").splitlines()
    assert baked_in.endswith('bake_bundle.py" "my shop" "there"')
    assert "build_function.py" in built
    assert "check_artifact.py" in checked  # after it, so that its size counts
    assert "bake_bundle" not in commands("ApiFunction") + commands("PlanFunction", "BUNDLE=shop")


def test_an_artifact_that_the_bundle_makes_too_large_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_artifact, "LIMIT_MEGABYTES", 1)
    (tmp_path / bake_bundle.BAKED).mkdir(parents=True)
    (tmp_path / bake_bundle.BAKED / INDEX_FILE).write_bytes(bytes(2_000_000))
    assert "2 MB of it the baked bundle: build without BUNDLE" in check_artifact.too_big(tmp_path)[0]
