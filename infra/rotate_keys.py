"""Creates and rotates the session signing keys in SSM Parameter Store: a new key first, the two before it kept.

CloudFormation cannot create a SecureString, so the stack calls this function as a custom resource. That also creates
the secret by which the API recognizes CloudFront, because a template cannot draw random text. A schedule calls the
function with any other event to rotate. A key signs first and then only verifies, so a session survives KEPT - 1
rotations.
"""

from __future__ import annotations

import json
import os
import secrets
import time
import urllib.request
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

KEPT = 3
MIN_AGE_SECONDS = 600
"""A retried rotation must not push a key out: processes take minutes to learn of a new one."""


@cache
def _client() -> Any:
    import boto3

    return boto3.client("ssm")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer CloudFormation, or rotate. Raises what SSM raises while it rotates, so that its alarm goes off."""
    keys, origin = os.environ["KEYS_PARAMETER"], os.environ["ORIGIN_PARAMETER"]
    if "RequestType" not in event:
        return rotate(_client(), keys)
    answer = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    answer |= {"PhysicalResourceId": keys, "Status": "SUCCESS", "NoEcho": True}
    try:
        if event["RequestType"] == "Delete":
            _client().delete_parameters(Names=[keys, origin])
        else:
            create(_client(), keys)
            answer["Data"] = {"OriginSecret": create(_client(), origin)}
    except Exception as error:  # noqa: BLE001  without an answer the stack would wait for an hour
        answer |= {"Status": "FAILED", "Reason": f"{type(error).__name__}: {error}"}
    body = json.dumps(answer).encode()
    put = urllib.request.Request(event["ResponseURL"], body, {"content-type": ""}, method="PUT")  # noqa: S310
    with urllib.request.urlopen(put, timeout=20):  # noqa: S310
        return {"status": answer["Status"]}


def create(client: Any, name: str) -> str:
    """The parameter's value; random where it does not exist yet. An update of the stack keeps what is there."""
    with suppress(client.exceptions.ParameterAlreadyExists):
        client.put_parameter(Name=name, Value=secrets.token_hex(32), Type="SecureString", Overwrite=False)
    return _read(client, name)[0]


def rotate(client: Any, name: str, now: Callable[[], float] = time.time) -> dict[str, Any]:
    """Put a new key first. Does nothing if the keys are younger than MIN_AGE_SECONDS."""
    text, modified = _read(client, name)
    age = now() - modified
    if age < MIN_AGE_SECONDS:
        return {"status": "too_young", "age_seconds": round(age), "limit_seconds": MIN_AGE_SECONDS}
    keys = [secrets.token_hex(32), *text.split(",")][:KEPT]
    client.put_parameter(Name=name, Value=",".join(keys), Type="SecureString", Overwrite=True)
    return {"status": "rotated", "keys": len(keys)}


def _read(client: Any, name: str) -> tuple[str, float]:
    """The value, and when it was written, in seconds since the epoch."""
    found = client.get_parameter(Name=name, WithDecryption=True)["Parameter"]
    return found["Value"], found["LastModifiedDate"].timestamp()
