"""The whole stack in an emulator: created, indexed, played through CloudFront, updated, rolled back and deleted.

The emulator executes CloudFormation, the functions' own artifacts, the HTTP API and CloudFront. It does not enforce IAM
policies, bucket policies, memory or time limits; tests/infra/emulated_stack.py lists what it cannot create.
"""

from __future__ import annotations

import io
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from tests.infra.emulated_stack import SAM_PYTHON, Stack, adapted, expanded, upload_code
from tests.infra.ministack import ministack, needs_ministack

if TYPE_CHECKING:
    from pathlib import Path

    from tests.infra.ministack import Ministack

__all__ = ["ministack"]
pytestmark = [
    needs_ministack,
    pytest.mark.skipif(not SAM_PYTHON.exists(), reason="no aws-sam-cli in build/sam; scripts/check-stack installs it"),
    pytest.mark.xdist_group("ministack"),
]
CODE = "v1"


@pytest.fixture(scope="module")
def code(ministack: Ministack, tmp_path_factory: pytest.TempPathFactory) -> str:
    upload_code(ministack, tmp_path_factory.mktemp("artifacts"), CODE)
    return CODE


def create(ministack: Ministack, code: str, **parameters: str) -> Stack:
    stack = Stack(ministack, f"shop-{uuid.uuid4().hex[:8]}")
    status = stack.deploy(expanded(code, parameters, ministack), parameters)
    assert status == "CREATE_COMPLETE", stack.failures()
    return stack


@pytest.fixture(scope="module")
def stack(ministack: Ministack, code: str, photos: Path) -> Stack:
    """A stack with all defaults and a published catalog."""
    created = create(ministack, code)
    created.upload(photos)
    created.index()
    return created


def first_page(stack: Stack) -> Any:
    answer = stack.through_cloudfront("/v1/sessions", {})
    assert answer.status == 200, answer.body
    return answer.json


def next_page(stack: Stack, page: Any) -> Any:
    liked = [item["id"] for item in page["items"][:2]]
    answer = stack.through_cloudfront("/v1/sessions/next", {"session": page["session"], "liked": liked})
    assert answer.status == 200, answer.body
    return answer.json


def test_a_new_stack_shows_the_gallery_and_reports_the_missing_bundle(ministack: Ministack, code: str) -> None:
    empty = create(ministack, code)
    assert empty.through_cloudfront("/").body.startswith(b"<!doctype html>")
    answer = empty.through_cloudfront("/v1/sessions", {})
    assert (answer.status, answer.json["code"]) == (503, "bundle_not_found")


def test_six_rounds_never_repeat_a_product(stack: Stack) -> None:
    page, seen = first_page(stack), []
    for number in range(1, 7):
        assert (page["round"], len(page["items"])) == (number, 10)
        seen += [item["id"] for item in page["items"]]
        page = next_page(stack, page)
    assert len(set(seen)) == len(seen) == 60


def test_a_default_deployments_gallery_has_its_pictures(stack: Stack) -> None:
    for item in first_page(stack)["items"]:
        answer = stack.through_cloudfront(item["image_url"])
        assert answer.status == 200
        assert Image.open(io.BytesIO(answer.body)).size == (60, 80)


def test_the_gateway_cannot_be_reached_past_cloudfront(stack: Stack) -> None:
    answer = stack.past_cloudfront("/v1/sessions", {})
    assert (answer.status, answer.json["code"]) == (403, "origin_forbidden")


def test_keys_can_be_rotated_at_once_after_their_first_minutes(stack: Stack) -> None:
    assert stack.invoke("RotateKeysFunction", {})["status"] == "too_young"


def test_a_changed_parameter_reaches_shoppers_and_their_sessions_survive(
    ministack: Ministack, code: str, photos: Path
) -> None:
    stack = create(ministack, code)
    stack.upload(photos)
    stack.index()
    page = first_page(stack)
    versions, served = stack.versions()
    assert versions == [served]
    parameters = {"ImageBaseUrl": "https://shop.example/img"}
    assert stack.deploy(expanded(code, parameters, ministack), parameters) == "UPDATE_COMPLETE", stack.failures()
    page = next_page(stack, page)
    assert page["round"] == 2
    assert all(item["image_url"].startswith("https://shop.example/img/") for item in page["items"])
    now, serves = stack.versions()
    assert now == [serves] != versions  # the old version is gone: with SnapStart it would cost as much as the new one


def test_a_failed_update_rolls_back_and_shoppers_notice_nothing(ministack: Ministack, code: str, photos: Path) -> None:
    stack = create(ministack, code)
    stack.upload(photos)
    stack.index()
    page = first_page(stack)
    parameters = {"ImageBaseUrl": "https://shop.example/img"}
    broken = expanded(code, parameters, ministack)
    broken["Resources"]["Broken"] = {
        "Type": "AWS::CloudWatch::Alarm",  # on metric math, which the emulator refuses
        "DependsOn": "ApiFunctionAliaslive",  # so that the new version serves by the time this fails
        "Properties": {
            "ComparisonOperator": "LessThanThreshold",
            "EvaluationPeriods": 1,
            "Metrics": [{"Id": "a", "Expression": "1"}],
        },
    }
    assert stack.deploy(broken, parameters) == "UPDATE_ROLLBACK_COMPLETE"
    assert any("Broken" in failure for failure in stack.failures())
    page = next_page(stack, page)
    assert all(item["image_url"].startswith("/catalog/") for item in page["items"])


def test_a_deleted_stack_leaves_the_bucket_and_no_keys(ministack: Ministack, code: str) -> None:
    stack = create(ministack, code)
    bucket = stack.resource("Bucket")
    assert stack.delete() == ""
    assert bucket in [found["Name"] for found in ministack.client("s3").list_buckets()["Buckets"]]
    parameters = ministack.client("ssm").get_parameters_by_path(Path=f"/vitrine/{stack.name}", Recursive=True)
    assert parameters["Parameters"] == []


@pytest.mark.parametrize(
    ("parameters", "rule"),
    [
        ({"CloudFront": "off"}, "ImageBaseUrl"),
        ({"DomainNames": "shop.example"}, "CertificateArn"),
        ({"SnapStart": "on", "CatalogSize": "300000"}, "SnapStart=off"),
        ({"SnapStart": "on", "Runtime": "python3.11"}, "SnapStart=off"),
    ],
)
def test_parameters_that_do_not_fit_together_are_refused_with_the_remedy(
    ministack: Ministack, code: str, parameters: dict[str, str], rule: str
) -> None:
    stack = Stack(ministack, "refused")
    with pytest.raises(Exception, match=rule):
        stack.deploy(expanded(code, parameters, ministack), parameters)


def test_the_list_of_emulator_gaps_has_no_stale_entry(ministack: Ministack) -> None:
    with pytest.raises(AssertionError, match="No longer in the template"):
        adapted({"Resources": {}}, ministack)
