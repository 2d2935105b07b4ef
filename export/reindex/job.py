"""What the schedule calls: one run of the re-index, its report as the answer and as one line in the log."""

from __future__ import annotations

import json
import logging
import os
from typing import TYPE_CHECKING, Any, Protocol

from export.reindex.reindex_catalog import Run, reindex_catalog
from export.reindex.settings import ReindexSettings
from handler.errors import VitrineError

if TYPE_CHECKING:
    from collections.abc import Mapping

logger = logging.getLogger("vitrine.reindex")


class Context(Protocol):
    """What is used of Lambda's context object."""

    def get_remaining_time_in_millis(self) -> int: ...


def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Bring the bundle up to date; see `reindex_catalog` for the report. `{"force": true}` looks at everything again.

    An error of ours is logged and raised, so that the function fails, its alarm goes off and the event is kept; that
    another publisher was first is no error.
    """
    logger.setLevel(logging.INFO)  # Lambda's own level is WARNING
    force = isinstance(event, dict) and event.get("force") is True
    try:
        settings = ReindexSettings.from_env(os.environ)
        report = reindex_catalog(Run(settings, lambda: context.get_remaining_time_in_millis() / 1000, force))
    except VitrineError as error:
        logger.error(json.dumps({"event": "reindex", "status": "failed", "code": error.code, "detail": str(error)}))
        raise
    logger.info(json.dumps({"event": "reindex", **report}, ensure_ascii=False))
    return report
