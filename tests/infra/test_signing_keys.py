"""Keys in Secrets Manager or Parameter Store: read, kept through trouble, and rotated without ending a session."""

from __future__ import annotations

import json
import threading
import time
import uuid
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any, ClassVar

import boto3
import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from handler.errors import ConfigurationError, SessionTampered
from handler.runtime import Runtime
from handler.sessions.history import History
from handler.sessions.signing_keys import REFRESH_SECONDS, SETTLE_SECONDS, ParameterSource, RotatingKeys, SecretSource
from handler.sessions.tokens import SessionTokens
from handler.settings import Settings
from infra import rotate_keys
from tests.s3_servers import moto_endpoint, use

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["moto_endpoint"]
VECTOR_SPACE = "0" * 32
DIM = 8


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
    keys = RotatingKeys(SecretSource("arn", lambda: vault), clock)
    assert [keys.current() for _ in range(3)] == [(OLD,)] * 3
    assert vault.reads == 1
    clock.now += REFRESH_SECONDS
    keys.current()
    assert vault.reads == 2


def test_a_new_key_verifies_before_it_signs(clock: Clock) -> None:
    """Two processes that learn of a rotation a minute apart understand each other's tokens all the time."""
    vault = Vault(clock, OLD)
    early, late = (RotatingKeys(SecretSource("arn", lambda: vault), clock) for _ in range(2))
    late.current()
    clock.now += REFRESH_SECONDS - 1
    vault.put(f"{NEW},{OLD}")
    for _ in range(2 * SETTLE_SECONDS):
        writer, reader = SessionTokens(early.current(), 60), SessionTokens(late.current(), 60)
        for one, other in ((writer, reader), (reader, writer)):
            other.read(one.write(one.start(VECTOR_SPACE)), VECTOR_SPACE, DIM)
        clock.now += 1
    assert early.current() == late.current() == (NEW, OLD)


def test_the_last_keys_stay_in_force_while_secrets_manager_is_away(clock: Clock) -> None:
    vault = Vault(clock, OLD)
    keys = RotatingKeys(SecretSource("arn", lambda: vault), clock)
    keys.current()
    vault.down = True
    clock.now += REFRESH_SECONDS
    assert keys.current() == (OLD,)
    assert vault.reads == 2
    keys.current()
    assert vault.reads == 2  # and it is not asked at every request


def test_a_parameter_holds_keys_as_a_secret_does(moto_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    use(moto_endpoint, monkeypatch)
    client = boto3.client("ssm")
    client.put_parameter(Name="/shop/keys", Value=OLD, Type="SecureString")
    written = client.get_parameter(Name="/shop/keys")["Parameter"]["LastModifiedDate"].timestamp()
    clock = Clock()
    clock.now = written + SETTLE_SECONDS
    keys = RotatingKeys(ParameterSource("/shop/keys"), clock)
    assert keys.current() == (OLD,)
    client.put_parameter(Name="/shop/keys", Value=f"{NEW},{OLD}", Type="SecureString", Overwrite=True)
    clock.now += REFRESH_SECONDS
    written = client.get_parameter(Name="/shop/keys")["Parameter"]["LastModifiedDate"].timestamp()
    clock.now = max(clock.now, written + 1)
    keys = RotatingKeys(ParameterSource("/shop/keys"), clock)
    assert keys.current() == ((OLD, NEW) if clock.now - written < SETTLE_SECONDS else (NEW, OLD))
    clock.now = written + SETTLE_SECONDS + REFRESH_SECONDS
    assert keys.current() == (NEW, OLD)
    client.close()


def test_a_parameter_that_is_missing_names_the_permission(moto_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    use(moto_endpoint, monkeypatch)
    with pytest.raises(ConfigurationError, match="ssm:GetParameter"):
        RotatingKeys(ParameterSource("/shop/none")).current()


def test_without_any_key_nothing_is_signed(clock: Clock) -> None:
    vault = Vault(clock, OLD)
    vault.down = True
    with pytest.raises(ConfigurationError, match="GetSecretValue"):
        RotatingKeys(SecretSource("arn", lambda: vault), clock).current()
    vault.down = False
    for bad in ("", "short", f"{OLD},short"):
        vault.put(bad)
        with pytest.raises(ConfigurationError, match="32"):
            RotatingKeys(SecretSource("arn", lambda: vault), clock).current()


@pytest.fixture
def parameter(moto_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a SecureString that holds OLD."""
    use(moto_endpoint, monkeypatch)
    return new_parameter()


def new_parameter() -> str:
    name = f"/shop/{uuid.uuid4().hex}/signing-keys"
    boto3.client("ssm").put_parameter(Name=name, Value=OLD, Type="SecureString")
    return name


def later() -> float:
    return time.time() + SETTLE_SECONDS + rotate_keys.MIN_AGE_SECONDS


def rotate(parameter: str) -> tuple[str, ...]:
    """Rotates, twice as after a lost answer; the keys in force once they have settled."""
    client = boto3.client("ssm")
    assert rotate_keys.rotate(client, parameter, later)["status"] == "rotated"
    assert rotate_keys.rotate(client, parameter)["status"] == "too_young"
    return RotatingKeys(ParameterSource(parameter), now=later).current()


def test_a_rotation_keeps_the_sessions_of_the_two_keys_before(parameter: str) -> None:
    token = SessionTokens([OLD], 60).write(SessionTokens([OLD], 60).start(VECTOR_SPACE))
    seen = [(OLD,)]
    for number in range(3):
        seen.append(rotate(parameter))
        assert seen[-1][1:] == seen[-2][:2]
        if number < 2:
            SessionTokens(seen[-1], 60).read(token, VECTOR_SPACE, DIM)
    with pytest.raises(SessionTampered):
        SessionTokens(seen[-1], 60).read(token, VECTOR_SPACE, DIM)
    assert all(len(key) == 64 for key in seen[-1])


ROTATIONS, PROCESSES = 4, 5
MOMENTS = (ROTATIONS + 1) * 2 * SETTLE_SECONDS // 20


def rotated(parameter: str, rotations: int) -> list[str]:
    """The parameter's text before and after each rotation, as `infra/rotate_keys.py` writes it."""
    texts = [OLD]
    for _ in range(rotations):
        rotate(parameter)
        texts.append(boto3.client("ssm").get_parameter(Name=parameter, WithDecryption=True)["Parameter"]["Value"])
    return texts


def orders_in_force(texts: list[str]) -> list[tuple[tuple[str, ...], ...]]:
    """The lists that the processes hold at the same moment, every 20 seconds. They started 13 seconds apart."""
    clock = Clock()
    vault = Vault(clock, texts[0])
    processes = [RotatingKeys(SecretSource("arn", lambda: vault), clock) for _ in range(PROCESSES)]
    for process in processes:
        process.current()
        clock.now += 13
    moments = []
    for text in texts:
        if text != vault.text:
            vault.put(text)
        for _ in range(MOMENTS // len(texts)):
            moments.append(tuple(process.current() for process in processes))
            clock.now += 20
    return moments


class Timeline:
    """An object without a repr: hypothesis prints the arguments of a failure, and these are 77 kB."""

    def __init__(self, moments: list[tuple[tuple[str, ...], ...]]) -> None:
        self.moments = moments


@pytest.fixture
def timeline(parameter: str) -> Timeline:
    found = orders_in_force(rotated(parameter, rotations=ROTATIONS))
    # A first list, then each new key while it settles and once it signs; and moments at which processes disagree.
    assert len(found) == MOMENTS
    assert any(len(set(orders)) > 1 for orders in found)
    assert len({order for orders in found for order in orders}) == 1 + 2 * ROTATIONS
    return Timeline(found)


def drawn(tokens: SessionTokens, token: str) -> tuple[float, str]:
    """What decides the next page after an answer, and the name in the log."""
    state = tokens.read(token, VECTOR_SPACE, DIM)
    answered = replace(
        state, rounds=History.of([*state.rounds[:-1], state.rounds[-1]._replace(liked=state.rounds[-1].shown[:1])])
    )
    return tokens.page_random(answered).random(), tokens.pseudonym(answered)


MOMENT = st.integers(0, MOMENTS - 1)
PROCESS = st.integers(0, PROCESSES - 1)


@examples(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=MOMENT, starter=PROCESS, seed=st.text(max_size=3), answers=st.dictionaries(MOMENT, PROCESS, max_size=6))
def test_a_token_means_the_same_in_every_process_of_a_rotation(
    timeline: Timeline, start: int, starter: int, seed: str, answers: dict[int, int]
) -> None:
    """Any process answers the session at any moment; every other process then gets each of its tokens again."""
    moments = timeline.moments
    first = SessionTokens(moments[start][starter], 60)
    token = first.write(first.start(VECTOR_SPACE, seed).show([1, 2]))
    expected = {token: drawn(first, token)}
    for moment, orders in enumerate(moments[start:], start):
        for reader in [SessionTokens(order, 60) for order in set(orders)]:
            for earlier, meaning in expected.items():
                with suppress(SessionTampered):  # the key that signed it has been dropped
                    assert drawn(reader, earlier) == meaning
        if moment in answers:
            answerer = SessionTokens(orders[answers[moment]], 60)
            try:
                token = answerer.write(answerer.read(token, VECTOR_SPACE, DIM).show([3 + moment]))
            except SessionTampered:
                break
            expected[token] = drawn(answerer, token)
    assert len({name for _, name in expected.values()}) == 1


def test_a_session_outlives_the_key_that_started_it(timeline: Timeline) -> None:
    """Answered in between, it keeps its name; what carries the secret is 11 bytes, 15 characters."""
    orders = list(dict.fromkeys(processes[0] for processes in timeline.moments))
    first = SessionTokens(orders[0], 60)
    token = first.write(first.start(VECTOR_SPACE).show([1]))
    name, length = drawn(first, token)[1], len(token)
    for order in orders[1:]:
        tokens = SessionTokens(order, 60)
        token = tokens.write(tokens.read(token, VECTOR_SPACE, DIM))
        assert drawn(tokens, token)[1] == name
    assert OLD not in orders[-1]
    assert len(token) - length <= 15


@pytest.mark.parametrize("place", ["secret", "parameter"])
def test_a_deployment_whose_keys_are_stored_elsewhere_signs_and_verifies(
    place: str, parameter: str, bundles: Path
) -> None:
    name = parameter
    if place == "secret":
        name = boto3.client("secretsmanager").create_secret(Name=uuid.uuid4().hex, SecretString=OLD)["ARN"]
    tokens = Runtime(Settings.model_validate({"bundles": str(bundles), f"signing_keys_{place}": name})).tokens
    token = tokens.write(tokens.start(VECTOR_SPACE))
    assert SessionTokens([OLD], 60).read(token, VECTOR_SPACE, DIM)


class CloudFormation(BaseHTTPRequestHandler):
    """The other end of a custom resource's ResponseURL."""

    answers: ClassVar[list[dict[str, Any]]] = []

    def do_PUT(self) -> None:
        self.answers.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def cloudformation() -> Iterator[str]:
    CloudFormation.answers.clear()
    with HTTPServer(("127.0.0.1", 0), CloudFormation) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def as_custom_resource(kind: str, url: str) -> dict[str, Any]:
    ids = {"StackId": "arn:stack", "RequestId": "1", "LogicalResourceId": "SigningKeys"}
    rotate_keys.handler({"RequestType": kind, "ResponseURL": url, **ids}, None)
    return CloudFormation.answers[-1]


def test_the_stack_creates_keeps_and_deletes_its_keys(
    moto_endpoint: str, monkeypatch: pytest.MonkeyPatch, cloudformation: str
) -> None:
    use(moto_endpoint, monkeypatch)
    rotate_keys._client.cache_clear()
    names = {key: f"/{uuid.uuid4().hex}" for key in ("KEYS_PARAMETER", "ORIGIN_PARAMETER")}
    for key, name in names.items():
        monkeypatch.setenv(key, name)
    created, updated = (as_custom_resource(kind, cloudformation) for kind in ("Create", "Update"))
    assert created["Status"] == updated["Status"] == "SUCCESS"
    assert created["Data"] == updated["Data"]
    assert created["NoEcho"]
    assert len(RotatingKeys(ParameterSource(names["KEYS_PARAMETER"])).current()[0]) == 64
    assert as_custom_resource("Delete", cloudformation)["Status"] == "SUCCESS"
    with pytest.raises(ConfigurationError):
        RotatingKeys(ParameterSource(names["KEYS_PARAMETER"])).current()


def test_a_stack_reports_why_its_keys_could_not_be_created(
    moto_endpoint: str, monkeypatch: pytest.MonkeyPatch, cloudformation: str
) -> None:
    use(moto_endpoint, monkeypatch)
    rotate_keys._client.cache_clear()
    monkeypatch.setenv("KEYS_PARAMETER", "/aws/reserved")
    monkeypatch.setenv("ORIGIN_PARAMETER", "/shop/origin-secret")
    answer = as_custom_resource("Create", cloudformation)
    assert answer["Status"] == "FAILED"
    assert "reserved" in answer["Reason"]
