"""Metrics as log lines in CloudWatch's Embedded Metric Format: no request, no client library.

CloudWatch extracts the metrics from lines that have an `_aws` member. Format:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import logging
import time
from typing import Final

from handler.logs import METRICS

NAMESPACE: Final = "Vitrine"
DIMENSION: Final = "FunctionName"
UNITS: Final = {
    "RefreshFailures": "Count",
    "StaleSeconds": "Seconds",
}
"""Every metric and its unit."""

logger = logging.getLogger(METRICS)


class Metrics:
    """Writes metrics of one function. `function` None writes nothing."""

    def __init__(self, function: str | None) -> None:
        self._function = function

    def put(self, **values: float) -> None:
        """Write one line with these metrics. Raises KeyError for a name that UNITS does not list."""
        if self._function is None:
            return
        described = [{"Name": name, "Unit": UNITS[name]} for name in values]
        directive = {"Namespace": NAMESPACE, "Dimensions": [[DIMENSION]], "Metrics": described}
        line = {
            "_aws": {"Timestamp": int(time.time() * 1_000), "CloudWatchMetrics": [directive]},
            DIMENSION: self._function,
            **values,
        }
        logger.info("metrics", extra={"event": line})
