"""Metrics: what a minute of requests comes to, in lines that CloudWatch reads and that stay few and short."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from handler import lambda_entry
from handler.logs import configure_logging
from handler.metrics import MAX_VALUES, WINDOW_SECONDS, Metrics
from tests.handler.photo_files import as_json, photo
from tests.handler.support import event, send

if TYPE_CHECKING:
    from collections.abc import Iterator

CREATED = datetime(2026, 1, 1, tzinfo=UTC)
STAGES = {"read": 0.1, "choose": 0.25, "write": 0.3}


class Clock:
    now = CREATED.timestamp() + 3_600

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def metrics(clock: Clock) -> Metrics:
    configure_logging()
    return Metrics("shop-api", clock)


def written(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [line for line in lines if "_aws" in line]


def extracted(line: dict[str, Any]) -> dict[str, tuple[Any, ...]]:
    """What CloudWatch makes of a line: by metric the values, the unit and the values of its dimensions."""
    found = {}
    for directive in line["_aws"]["CloudWatchMetrics"]:
        (names,) = directive["Dimensions"]
        for metric in directive["Metrics"]:
            found[metric["Name"]] = (line[metric["Name"]], metric["Unit"], *(line[name] for name in names))
    return found


def test_the_first_round_is_written_at_once(metrics: Metrics, capsys: pytest.CaptureFixture[str]) -> None:
    metrics.round("mean", CREATED, STAGES)
    (line,) = written(capsys)
    assert extracted(line) == {
        "Rounds": (1, "Count", "shop-api", "mean"),
        "ReadMilliseconds": ([0.1], "Milliseconds", "shop-api"),
        "ChooseMilliseconds": ([0.25], "Milliseconds", "shop-api"),
        "WriteMilliseconds": ([0.3], "Milliseconds", "shop-api"),
        "BundleAgeSeconds": (3_600, "Seconds", "shop-api"),
    }


def test_a_minute_is_one_line_and_a_further_strategy_or_reason_one_more(
    metrics: Metrics, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    metrics.round("mean", CREATED, STAGES)
    written(capsys)
    for strategy in ("mean", "bayes", "mean"):
        metrics.round(strategy, CREATED, STAGES)
    metrics.session_refused("session_expired")
    metrics.photo_search_refused()
    assert written(capsys) == []
    clock.now += WINDOW_SECONDS
    metrics.photo_search_refused()
    first, second = map(extracted, written(capsys))
    assert first["Rounds"] == (2, "Count", "shop-api", "mean")
    assert first["SessionsRefused"] == (1, "Count", "shop-api", "session_expired")
    assert first["PhotoSearchesRefused"] == (2, "Count", "shop-api")
    assert first["ReadMilliseconds"][0] == [0.1] * 3
    assert second == {"Rounds": (1, "Count", "shop-api", "bayes")}


def test_a_line_never_has_more_values_than_the_format_allows(
    metrics: Metrics, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(3 * MAX_VALUES + 1):
        metrics.round("mean", CREATED, STAGES)
    lines = written(capsys)
    assert [line["Rounds"] for line in lines] == [1, MAX_VALUES, MAX_VALUES, MAX_VALUES]
    assert max(len(line["ChooseMilliseconds"]) for line in lines) == MAX_VALUES


def test_refused_photos_alone_are_a_line(metrics: Metrics, capsys: pytest.CaptureFixture[str]) -> None:
    metrics.photo_search_refused()
    (line,) = written(capsys)
    assert extracted(line) == {"PhotoSearchesRefused": (1, "Count", "shop-api")}


def test_a_function_without_a_name_writes_nothing(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    Metrics(None, clock).round("mean", CREATED, STAGES)
    assert written(capsys) == []


@pytest.fixture
def on_lambda(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "shop-api")
    lambda_entry._adapter.cache_clear()
    yield
    lambda_entry._adapter.cache_clear()


@pytest.mark.usefixtures("gateway", "on_lambda")
def test_requests_move_the_metrics(capsys: pytest.CaptureFixture[str]) -> None:
    page = send(event("start_session")).json
    counted, first = sorted(capsys.readouterr().out.splitlines(), key=lambda line: "_aws" not in line)
    found = extracted(json.loads(counted))
    assert found["Rounds"] == (1, "Count", "shop-api", "mean")
    assert found["BundleAgeSeconds"][0] >= 0
    stages = [found[name][0][0] for name in ("ReadMilliseconds", "ChooseMilliseconds", "WriteMilliseconds")]
    assert sum(stages) == pytest.approx(json.loads(first)["latency_ms"], abs=2)
    assert len(counted) < len(first), "metrics must not double what a round logs"
    metrics = lambda_entry._runtime().metrics
    send(event("next_page", {"session": page["session"][:-4] + "AAAA"}))
    send(event("undo", {"session": "no token"}))
    lambda_entry.handler(as_json(photo(), session="no token"), None)  # type: ignore[arg-type]
    metrics._flush()
    lines = [extracted(line) for line in written(capsys)]
    refused = {line["SessionsRefused"][-1]: line["SessionsRefused"][0] for line in lines}
    assert refused == {"session_tampered": 1, "session_malformed": 2}


def test_a_metric_without_a_unit_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        Metrics("shop-api").put(Unheard=1)
