"""Keys in Secrets Manager: read, kept through trouble, and rotated without ending a session."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from handler.errors import ConfigurationError, SessionTampered
from handler.signing_keys import REFRESH_SECONDS, SETTLE_SECONDS, SecretKeys
from handler.tokens import SessionTokens
from infra import rotate_keys
from tests.s3_servers import moto_endpoint, use

__all__ = ["moto_endpoint"]
FINGERPRINT = "0" * 32


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Vault:
    """A secret whose text and age the test chooses."""

    def __init__(self, clock: Clock, text: str) -> None:
        self.clock, self.reads, self.down = clock, 0, False
        self.put(text)

    def put(self, text: str) -> None:
        self.text, self.created = text, datetime.fromtimestamp(self.clock.now, UTC)

    def get_secret_value(self, **_: str) -> dict[str, Any]:
        self.reads += 1
        if self.down:
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetSecretValue")
        return {"SecretString": self.text, "CreatedDate": self.created}


OLD, NEW, OLDEST = "o" * 64, "n" * 64, "a" * 64


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_keys_are_read_once_a_minute(clock: Clock) -> None:
    vault = Vault(clock, OLD)
    keys = SecretKeys("arn", lambda: vault, clock)
    assert [keys.current() for _ in range(3)] == [(OLD,)] * 3
    assert vault.reads == 1
    clock.now += REFRESH_SECONDS
    keys.current()
    assert vault.reads == 2


def test_a_new_key_verifies_before_it_signs(clock: Clock) -> None:
    """Two processes that learn of a rotation a minute apart understand each other's tokens all the time."""
    vault = Vault(clock, OLD)
    early, late = SecretKeys("arn", lambda: vault, clock), SecretKeys("arn", lambda: vault, clock)
    late.current()
    clock.now += REFRESH_SECONDS - 1
    vault.put(f"{NEW},{OLD}")
    for _ in range(2 * SETTLE_SECONDS):
        writer, reader = SessionTokens(early.current(), 60), SessionTokens(late.current(), 60)
        for one, other in ((writer, reader), (reader, writer)):
            other.read(one.write(one.start(FINGERPRINT)), FINGERPRINT)
        clock.now += 1
    assert early.current() == late.current() == (NEW, OLD)


def test_the_last_keys_stay_in_force_while_secrets_manager_is_away(clock: Clock) -> None:
    vault = Vault(clock, OLD)
    keys = SecretKeys("arn", lambda: vault, clock)
    keys.current()
    vault.down = True
    clock.now += REFRESH_SECONDS
    assert keys.current() == (OLD,)
    assert vault.reads == 2
    keys.current()
    assert vault.reads == 2  # and it is not asked at every request


def test_without_any_key_nothing_is_signed(clock: Clock) -> None:
    vault = Vault(clock, OLD)
    vault.down = True
    with pytest.raises(ConfigurationError, match="GetSecretValue"):
        SecretKeys("arn", lambda: vault, clock).current()
    vault.down = False
    for bad in ("", "short", f"{OLD},short"):
        vault.put(bad)
        with pytest.raises(ConfigurationError, match="32"):
            SecretKeys("arn", lambda: vault, clock).current()


@pytest.fixture
def secret(moto_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    use(moto_endpoint, monkeypatch)
    rotate_keys._client.cache_clear()
    client = boto3.client("secretsmanager")
    arn: str = client.create_secret(Name=f"keys-{datetime.now(UTC).timestamp()}", SecretString=OLD)["ARN"]
    return arn


def rotate(secret: str, version: str) -> tuple[str, ...]:
    """What Secrets Manager does: four calls, the first twice, as after a lost answer."""
    for step in ("createSecret", "createSecret", "setSecret", "testSecret", "finishSecret"):
        rotate_keys.handler({"SecretId": secret, "ClientRequestToken": version, "Step": step}, None)
    return SecretKeys(secret, now=lambda: datetime.now(UTC).timestamp() + SETTLE_SECONDS + 60).current()


def test_a_rotation_keeps_the_sessions_of_the_two_keys_before(secret: str) -> None:
    token = SessionTokens([OLD], 60).write(SessionTokens([OLD], 60).start(FINGERPRINT))
    seen = [(OLD,)]
    for number in range(3):
        seen.append(rotate(secret, f"{number:08}-0000-0000-0000-000000000000"))
        assert seen[-1][1:] == seen[-2][:2]
        if number < 2:
            SessionTokens(seen[-1], 60).read(token, FINGERPRINT)
    with pytest.raises(SessionTampered):
        SessionTokens(seen[-1], 60).read(token, FINGERPRINT)
    assert all(len(key) == 64 for key in seen[-1])


def test_an_unknown_step_is_an_error() -> None:
    with pytest.raises(ValueError, match="burnSecret"):
        rotate_keys.handler({"SecretId": "x", "ClientRequestToken": "y", "Step": "burnSecret"}, None)
