"""Metrics as log lines in CloudWatch's Embedded Metric Format: no request, no client library.

CloudWatch extracts the metrics from lines that have an `_aws` member. Format:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html

A process counts, and writes at most one set of lines a minute, or every hundred rounds. The first count after a quiet
minute is written at once, so that a rarely called process loses none; one that ends loses its last minute at most.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, defaultdict
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from handler.logs import METRICS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

NAMESPACE: Final = "Vitrine"
DIMENSION: Final = "FunctionName"
UNITS: Final = {
    "Rounds": "Count",
    "ReadMilliseconds": "Milliseconds",
    "ChooseMilliseconds": "Milliseconds",
    "WriteMilliseconds": "Milliseconds",
    "BundleAgeSeconds": "Seconds",
    "RefreshFailures": "Count",
    "StaleSeconds": "Seconds",
    "SessionsRefused": "Count",
    "PhotoSearchesRefused": "Count",
    "PublishOverdueHours": "None",
}
"""Every metric and its unit. Rounds has the dimension Strategy besides, SessionsRefused has Reason; both are our own
words, so that no request can add a metric."""
STAGES: Final = {"read": "ReadMilliseconds", "choose": "ChooseMilliseconds", "write": "WriteMilliseconds"}
"""The metric of each stage of a round."""
WINDOW_SECONDS: Final = 60
MAX_VALUES: Final = 100
"""The most values that the format allows for one metric of a line."""

logger = logging.getLogger(METRICS)


class Metrics:
    """Counts and writes the metrics of one function. `function` None writes nothing."""

    def __init__(self, function: str | None, now: Callable[[], float] = time.time) -> None:
        """`now` is wall-clock time, which passes while Lambda has frozen the process."""
        self._function = function
        self._now = now
        self._written_at = float("-inf")
        self._bundle_created: datetime | None = None
        self._forget()

    def put(self, **values: float) -> None:
        """Write one line with these metrics now. Raises KeyError for a name that UNITS does not list."""
        self._write([((), values)])

    def round(self, strategy: str, bundle_created: datetime, stages: Mapping[str, float]) -> None:
        """Count a round. `stages` are milliseconds by stage: read, choose and write."""
        self._rounds[strategy] += 1
        self._bundle_created = bundle_created
        for stage, milliseconds in stages.items():
            self._values[STAGES[stage]].append(round(milliseconds, 2))
        self._counted()

    def session_refused(self, reason: str) -> None:
        """Count a token that was refused. `reason` is the error's code."""
        self._refused[reason] += 1
        self._counted()

    def photo_search_refused(self) -> None:
        """Count a photo that found the queue full."""
        self._photos_refused += 1
        self._counted()

    def _forget(self) -> None:
        self._rounds: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._photos_refused = 0
        self._values = defaultdict[str, list[float]](list)

    def _counted(self) -> None:
        if self._now() - self._written_at >= WINDOW_SECONDS or self._rounds.total() >= MAX_VALUES:
            self._flush()

    def _flush(self) -> None:
        """One line, and one more for each further strategy or reason: a line has one value for a dimension."""
        plain: dict[str, float | list[float]] = {**self._values}
        if self._bundle_created is not None and self._rounds:
            plain["BundleAgeSeconds"] = round(self._now() - self._bundle_created.timestamp())
        if self._photos_refused:
            plain["PhotoSearchesRefused"] = self._photos_refused
        pairs = [*zip_longest(self._rounds.items(), self._refused.items())]
        for rounds, refused in pairs or [(None, None)]:
            groups: list[tuple[tuple[str, ...], Mapping[str, float | list[float]]]] = [((), plain)] if plain else []
            dimensions = {}
            if rounds:
                dimensions["Strategy"] = rounds[0]
                groups.append((("Strategy",), {"Rounds": rounds[1]}))
            if refused:
                dimensions["Reason"] = refused[0]
                groups.append((("Reason",), {"SessionsRefused": refused[1]}))
            self._write(groups, **dimensions)
            plain = {}
        self._written_at = self._now()
        self._forget()

    def _write(
        self, groups: list[tuple[tuple[str, ...], Mapping[str, float | list[float]]]], **dimensions: str
    ) -> None:
        """Write metrics in groups, each with the names of its dimensions besides the function's."""
        if self._function is None:
            return
        directives = [
            {
                "Namespace": NAMESPACE,
                "Dimensions": [[DIMENSION, *names]],
                "Metrics": [{"Name": name, "Unit": UNITS[name]} for name in values],
            }
            for names, values in groups
        ]
        line: dict[str, object] = {
            "_aws": {"Timestamp": int(self._now() * 1_000), "CloudWatchMetrics": directives},
            DIMENSION: self._function,
            **dimensions,
        }
        for _, values in groups:
            line |= values
        logger.info("metrics", extra={"event": line})
