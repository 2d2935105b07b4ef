"""The emulator runs functions on its own S3 and sees nothing of this environment."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.infra.ministack import ministack, needs_ministack, start_ministack, zipped

if TYPE_CHECKING:
    from pathlib import Path

    from tests.infra.ministack import Ministack

__all__ = ["ministack"]
pytestmark = needs_ministack
SOURCE = """
import importlib.util, os, urllib.request

def handler(event, context):
    with urllib.request.urlopen(f"{os.environ['AWS_ENDPOINT_URL']}/{event['bucket']}/greeting") as answer:
        body = answer.read().decode()
    return {"greeting": body, "vitrine": importlib.util.find_spec("handler") is not None}
"""


def test_a_function_reads_the_emulators_bucket_and_has_only_its_own_packages(ministack: Ministack) -> None:
    s3, functions = ministack.client("s3"), ministack.client("lambda")
    s3.create_bucket(Bucket="greetings")
    s3.put_object(Bucket="greetings", Key="greeting", Body=b"hello")
    functions.create_function(
        FunctionName="greet",
        Runtime="python3.13",
        Role="arn:aws:iam::000000000000:role/greet",
        Handler="greet.handler",
        Code={"ZipFile": zipped({"greet.py": SOURCE})},
    )
    answer = functions.invoke(FunctionName="greet", Payload=json.dumps({"bucket": "greetings"}))
    assert json.loads(answer["Payload"].read()) == {"greeting": "hello", "vitrine": False}


def test_two_emulators_share_nothing(ministack: Ministack, tmp_path: Path) -> None:
    ministack.client("s3").create_bucket(Bucket="only-in-the-first")
    with start_ministack(tmp_path) as other:
        assert other.client("s3").list_buckets()["Buckets"] == []
