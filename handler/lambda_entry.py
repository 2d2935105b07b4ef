"""What AWS Lambda calls: API Gateway's event in, its answer out."""

from __future__ import annotations

import logging
import os
from functools import cache
from typing import TYPE_CHECKING, Any

from mangum import Mangum
from mangum.adapter import DEFAULT_TEXT_MIME_TYPES

from handler.api.app import create_app
from handler.api.problems import MEDIA_TYPE
from handler.errors import VitrineError
from handler.logs import configure_logging
from handler.runtime import Runtime
from handler.settings import Settings

if TYPE_CHECKING:
    from mangum.types import LambdaContext, LambdaEvent


logger = logging.getLogger(__name__)


@cache
def _adapter() -> Mangum:
    configure_logging()
    # lifespan="off": Mangum would run it for every single invocation.
    app = create_app(Runtime(Settings.from_env(os.environ)))
    return Mangum(app, lifespan="off", text_mime_types=[*DEFAULT_TEXT_MIME_TYPES, MEDIA_TYPE])


def handler(event: LambdaEvent, context: LambdaContext) -> dict[str, Any]:
    """Answer one event. The application is built at the first and kept for the process's life."""
    return _adapter()(event, context)


def _warm_up_for_snapshot() -> None:
    """Open keys and bundle before SnapStart takes its picture, so that every copy starts with them in memory.

    A stack that is just being made has no bundle yet, and its version must be published all the same: what cannot be
    opened now is opened by the first request, or refused there with its reason.
    """
    from snapshot_restore_py import register_after_restore  # of Lambda's own runtime

    runtime: Runtime = _adapter().app.state.runtime  # type: ignore[attr-defined]
    try:
        runtime.tokens  # noqa: B018
        runtime.bundle()
    except VitrineError as error:
        logger.warning("the snapshot starts cold: %s", error)
    register_after_restore(runtime.forget_when_checked)


if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
    _warm_up_for_snapshot()
