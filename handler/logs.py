"""Logging as JSON: one object a line, with the id of the request it belongs to.

    {"time": "2026-01-01T12:00:00.000Z", "level": "ERROR", "logger": "handler.api.problems",
     "request_id": "JKJaXmPLvHcESHA=", "message": "bundle_corrupt: ..."}

CloudWatch discovers the fields of such lines automatically.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from handler.request_context import current_request

if TYPE_CHECKING:
    from typing import TextIO

EVENTS = "vitrine.events"
METRICS = "vitrine.metrics"
_encode = json.JSONEncoder(separators=(",", ":"), default=str).encode


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON. A record's `event`, a mapping, replaces its message."""

    def format(self, record: logging.LogRecord) -> str:
        request = current_request()
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "request_id": request.id if request else None,
        }
        event = getattr(record, "event", None)
        line |= event if event is not None else {"message": record.getMessage()}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        # ASCII, so that no text of a shop can start a second line, whichever characters a reader treats as line ends.
        return _encode(line)


class _StandardOutput(logging.StreamHandler["TextIO"]):
    """Writes to the sys.stdout of the moment, which tests replace."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)
        self.setFormatter(JsonLines())

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stdout


def configure_logging() -> None:
    """Log to standard output as JSON: events and metrics from INFO, everything else from WARNING.

    Replaces the handler of Lambda's runtime, whose lines carry less.
    """
    root = logging.getLogger()
    for handler in list(root.handlers):
        if type(handler).__module__.startswith("awslambdaric") or isinstance(handler, _StandardOutput):
            root.removeHandler(handler)
    root.addHandler(_StandardOutput())
    for name in (EVENTS, METRICS):
        logging.getLogger(name).setLevel(logging.INFO)
