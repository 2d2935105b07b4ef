"""What Step Functions calls, one entry point a step. Each returns its report and logs it as a line of JSON."""

from __future__ import annotations

import logging
import os
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from export.reindex.build import build
from export.reindex.embed_part import embed_part
from export.reindex.plan import plan
from export.reindex.prune import prune
from export.reindex.run import Run
from export.reindex.settings import ReindexSettings
from handler.errors import VitrineError
from handler.logs import configure_logging
from handler.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

logger = logging.getLogger("vitrine.reindex")


class Context(Protocol):
    """The part of Lambda's context object that is used."""

    def get_remaining_time_in_millis(self) -> int: ...


def plan_handler(event: Mapping[str, Any], _context: Context) -> dict[str, Any]:
    """See `plan`. `{"force": true}` looks at everything again.

    Writes the metric PublishOverdueHours while a publish is due.
    """
    force = isinstance(event, dict) and event.get("force") is True
    report = _logged("plan", lambda run: plan(run, force=force))
    if report.get("overdue_hours"):
        Metrics(os.environ.get("AWS_LAMBDA_FUNCTION_NAME")).put(PublishOverdueHours=report["overdue_hours"])
    return report


def embed_handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """See `embed_part`. `event` is an item that Plan wrote."""
    return _logged("embed", lambda run: embed_part(run, event, lambda: context.get_remaining_time_in_millis() / 1_000))


def build_handler(event: Mapping[str, Any], _context: Context) -> dict[str, Any]:
    """See `build`. `event` is Plan's report."""
    return _logged("build", lambda run: build(run, event))


def prune_handler(_event: Mapping[str, Any], _context: Context) -> dict[str, Any]:
    """See `prune`."""
    return _logged("prune", prune)


def _logged(step: str, work: Callable[[Run], dict[str, Any]]) -> dict[str, Any]:
    """An error is logged and raised, so that Step Functions retries the step or fails the execution."""
    configure_logging()
    logger.setLevel(logging.INFO)
    try:
        report = work(_run(ReindexSettings.from_env(os.environ)))
    except VitrineError as error:
        failure = {"event": step, "status": "failed", "code": error.code, "detail": str(error)}
        logger.error(failure["detail"], extra={"event": failure})
        raise
    logger.info(report.get("status", step), extra={"event": {"event": step, **report}})
    return report


@lru_cache(maxsize=1)
def _run(settings: ReindexSettings) -> Run:
    """One for the life of the process, so that parts share clients, files and the encoder."""
    return Run(settings)
