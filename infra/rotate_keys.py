"""Secrets Manager's rotation of the session signing keys: a new key in front, the ones before kept.

A key signs first and verifies on, so a session outlives `KEPT - 1` rotations. The four steps are Secrets Manager's; two
of them have nothing to do here, because no other system has to be told about a key.
"""

from __future__ import annotations

import secrets
from functools import cache
from typing import Any

KEPT = 3


@cache
def _client() -> Any:
    import boto3

    return boto3.client("secretsmanager")


def handler(event: dict[str, str], _context: object) -> None:
    """Raises ValueError for a step that Secrets Manager does not have."""
    secret, version, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
    if step == "createSecret":
        create(_client(), secret, version)
    elif step == "testSecret":
        check(_client().get_secret_value(SecretId=secret, VersionId=version)["SecretString"])
    elif step == "finishSecret":
        finish(_client(), secret, version)
    elif step != "setSecret":
        raise ValueError(f"{step!r} is no step of a rotation.")


def create(client: Any, secret: str, version: str) -> None:
    """Store the next keys as AWSPENDING. Called twice, it stores them once: Secrets Manager retries."""
    current = client.get_secret_value(SecretId=secret, VersionStage="AWSCURRENT")["SecretString"]
    try:
        client.get_secret_value(SecretId=secret, VersionId=version, VersionStage="AWSPENDING")
    except client.exceptions.ResourceNotFoundException:
        keys = [secrets.token_hex(32), *current.split(",")][:KEPT]
        client.put_secret_value(
            SecretId=secret, ClientRequestToken=version, SecretString=",".join(keys), VersionStages=["AWSPENDING"]
        )


def check(keys: str) -> None:
    """Raises ValueError unless the function can use these keys; nothing is put in force then."""
    if not all(len(key) >= 32 for key in keys.split(",")):
        raise ValueError("A pending signing key has fewer than 32 characters.")


def finish(client: Any, secret: str, version: str) -> None:
    stages = client.describe_secret(SecretId=secret)["VersionIdsToStages"]
    current = next(found for found, names in stages.items() if "AWSCURRENT" in names)
    if current != version:
        client.update_secret_version_stage(
            SecretId=secret, VersionStage="AWSCURRENT", MoveToVersionId=version, RemoveFromVersionId=current
        )
