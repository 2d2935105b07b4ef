"""The re-index's state machine in the emulator: every step's own artifact, and map runs that count their items.

The functions are those of template.yaml with tests/infra/faults.py beside them, which makes parts small and lets them
fail. Every test starts with an empty bucket.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from export.embedded import EMBEDDED_ENCODER
from export.photos.partition import Part
from export.reindex.embed_part import DEADLY
from handler.pages import continue_session, start_session
from handler.runtime import Runtime
from handler.schemas import NextPage, StartSession
from handler.settings import Settings
from tests.conftest import KEY, run_index
from tests.export.support import draw
from tests.infra.emulated_stack import REINDEX_STEPS, SAM_PYTHON, Stack, expanded, upload_code
from tests.infra.ministack import ENVIRONMENT, ROOT, ministack, needs_ministack

if TYPE_CHECKING:
    from pathlib import Path

    from tests.infra.ministack import Ministack

__all__ = ["ministack"]
pytestmark = [
    needs_ministack,
    pytest.mark.skipif(not SAM_PYTHON.exists(), reason="no aws-sam-cli in build/sam; scripts/check-stack installs it"),
    pytest.mark.xdist_group("ministack"),
]
CODE = "faulty"
PHOTOS = 80
BITS = 3
"""80 photos at ten a part."""


class Shop(Stack):
    """A stack whose functions fail as they are told."""

    @property
    def bucket(self) -> str:
        return self.resource("Bucket")

    def fail(self, **faults: Any) -> None:
        self.ministack.client("s3").put_object(Bucket=self.bucket, Key="faults.json", Body=json.dumps(faults).encode())

    def vectors(self) -> list[str]:
        listed = self.ministack.client("s3").list_objects_v2(Bucket=self.bucket, Prefix="state/vectors/")
        return [item["Key"] for item in listed.get("Contents", [])]


@pytest.fixture(scope="module")
def code(ministack: Ministack, tmp_path_factory: pytest.TempPathFactory) -> str:
    faults = (ROOT / "tests" / "infra" / "faults.py").read_text()
    upload_code(ministack, tmp_path_factory.mktemp("artifacts"), CODE, {"faults.py": faults})
    return CODE


@pytest.fixture(scope="module")
def template(ministack: Ministack, code: str) -> dict[str, Any]:
    found = expanded(code, {}, ministack)
    for name in REINDEX_STEPS:
        properties = found["Resources"][name]["Properties"]
        properties["Handler"] = properties["Handler"].replace("export.reindex.job.", "faults.")
    return found


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("drawn")
    for number in range(PHOTOS):
        draw(directory / f"{number:03}.png", number)
    return directory


@pytest.fixture(scope="module")
def stack(ministack: Ministack, template: dict[str, Any]) -> Shop:
    created = Shop(ministack, f"shop-{uuid.uuid4().hex[:8]}")
    parameters = {"EmbedConcurrency": "2"}  # as many as a small machine has cores; each starts a process
    assert created.deploy(template, parameters) == "CREATE_COMPLETE", created.failures()
    return created


@pytest.fixture
def empty(stack: Shop) -> Shop:
    """A stack whose bucket is empty; its functions may be warm."""
    s3 = stack.ministack.client("s3")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=stack.bucket):
        for item in page.get("Contents", []):
            s3.delete_object(Bucket=stack.bucket, Key=item["Key"])
    return stack


@pytest.fixture
def shop(empty: Shop, drawn: Path) -> Shop:
    """A stack with 80 photos that have not been indexed."""
    empty.upload(drawn)
    return empty


def pages(bundles: str, cache: Path) -> list[Any]:
    """Four rounds of a session, less its tokens, which name the bundle's creation time."""
    runtime = Runtime(Settings(bundles=bundles, signing_keys=(KEY,), cache=str(cache)))
    page = start_session(runtime.serving(), StartSession(count=10, seed="s"))
    found = []
    for _ in range(4):
        found.append([(item["id"], item["reason"], round(item["score"] or 0, 4)) for item in page["items"]])
        liked = [item["id"] for item in page["items"][:2]]
        page = continue_session(runtime.serving(), NextPage(session=page["session"], liked=liked))
    return found


def test_the_map_embeds_every_part_and_the_bundle_serves_what_a_single_process_builds(
    shop: Shop, drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = shop.reindex()
    assert first.map_counts == [{"total": 8, "succeeded": 8}]
    assert sum(part["embedded"] for part in first.parts) == PHOTOS
    built = first.output["build"]
    assert (built["status"], built["products"], built["behind"]) == ("published", PHOTOS, 0)
    for name, value in {**ENVIRONMENT, "AWS_ENDPOINT_URL": shop.ministack.endpoint}.items():
        monkeypatch.setenv(name, value)
    run_index(drawn, tmp_path / "bundles", EMBEDDED_ENCODER)
    alone = pages(str(tmp_path / "bundles"), tmp_path / "a")
    assert pages(f"s3://{shop.bucket}/vitrine", tmp_path / "b") == alone
    second = shop.reindex()
    assert (second.output["status"], second.map_counts) == ("unchanged", [])


def test_one_changed_part_needs_no_map_run(shop: Shop, tmp_path: Path) -> None:
    shop.reindex()
    draw(tmp_path / "007.png", 7_000)
    shop.upload(tmp_path)
    after = shop.reindex()
    assert (after.map_counts, after.output["parts"]) == ([], 1)
    assert after.output["build"]["status"] == "published"


def test_a_part_whose_first_attempt_dies_is_retried(shop: Shop) -> None:
    shop.fail(flaky=[str(Part(BITS, 5))])
    execution = shop.reindex()
    assert execution.map_counts == [{"total": 8, "succeeded": 8}]
    assert execution.output["build"]["products"] == PHOTOS


def test_a_photo_that_kills_its_process_is_reported_by_its_name_and_the_others_are_published(
    shop: Shop, drawn: Path
) -> None:
    shop.fail(deadly=[hashlib.sha256((drawn / "042.png").read_bytes()).hexdigest()])
    execution = shop.reindex()
    assert execution.map_counts == [{"total": 8, "succeeded": 8}]
    assert [part["poison"] for part in execution.parts if part["poison"]] == [["042.png"]]
    built = execution.output["build"]
    assert (built["products"], built["behind"], built["reasons"]) == (PHOTOS - 1, 0, {"042.png": DEADLY})


def test_above_the_threshold_nothing_is_published_and_the_next_run_embeds_only_what_failed(shop: Shop) -> None:
    shop.fail(broken=[str(Part(BITS, 2)), str(Part(BITS, 6))])
    failed = shop.reindex(status="FAILED")
    assert failed.error == "States.ExceedToleratedFailureThreshold"
    assert failed.map_counts == [{"total": 8, "succeeded": 6, "failed": 2}]
    assert len(shop.vectors()) == 6
    shop.fail()
    again = shop.reindex()
    assert again.map_counts == [{"total": 2, "succeeded": 2}]
    assert again.output["build"]["products"] == PHOTOS


def test_one_failed_part_in_a_hundred_is_tolerated_and_comes_with_the_next_run(
    shop: Shop, drawn: Path, tmp_path: Path
) -> None:
    shutil.copytree(drawn, tmp_path / "more")
    for number in range(PHOTOS, 160):
        draw(tmp_path / "more" / f"{number:03}.png", number)
    shop.upload(tmp_path / "more")
    broken = Part.of("003.png", 8)
    names = [path.name for path in (tmp_path / "more").iterdir()]
    those = [name for name in names if Part.of(name, 8) == broken]
    shop.fail(broken=[str(broken)], photos_a_part=1)
    first = shop.reindex()
    (counts,) = first.map_counts
    assert (counts["failed"], counts["succeeded"] + 1) == (1, counts["total"])
    assert counts["total"] == len({Part.of(name, 8) for name in names}) > 100
    built = first.output["build"]
    assert (built["status"], built["products"], built["behind"]) == ("published", 160 - len(those), len(those))
    shop.fail(photos_a_part=1)
    assert shop.reindex().output["build"]["products"] == 160


def test_a_build_that_dies_is_repeated_by_the_next_run_without_embedding(shop: Shop) -> None:
    shop.fail(build=1)
    failed = shop.reindex(status="FAILED")
    assert failed.map_counts == [{"total": 8, "succeeded": 8}]
    again = shop.reindex()
    assert (again.map_counts, again.output["parts"]) == ([], 0)
    assert again.output["build"]["status"] == "published"


def test_of_two_executions_at_once_one_publishes_and_the_other_says_so(shop: Shop) -> None:
    shop.fail(together=2)
    started = [shop.start_reindex() for _ in range(2)]
    both = [shop.finished(arn).output["build"] for arn in started]
    assert sorted(built["status"] for built in both) == ["conflict", "published"]
    shop.fail()
    assert shop.reindex().output["status"] == "unchanged"


def test_a_stack_without_photos_is_empty_and_no_execution_fails(empty: Shop) -> None:
    assert empty.reindex().output == {"status": "empty", "objects": 0, "skipped": 0}


def test_everything_is_looked_at_again_when_the_execution_is_told_to(shop: Shop) -> None:
    shop.reindex()
    again = shop.reindex({"force": True})
    assert again.output["build"]["status"] == "current"
