"""What AWS Lambda calls: API Gateway's event in, its answer out."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from mangum import Mangum
from mangum.adapter import DEFAULT_TEXT_MIME_TYPES

from handler.app import create_app
from handler.logs import configure_logging
from handler.problems import MEDIA_TYPE
from handler.runtime import Runtime
from handler.settings import Settings

if TYPE_CHECKING:
    from mangum.types import LambdaContext, LambdaEvent


@cache
def _adapter() -> Mangum:
    configure_logging()
    # lifespan="off": Mangum would run it for every single invocation.
    app = create_app(Runtime(Settings.from_env(os.environ)))
    return Mangum(app, lifespan="off", text_mime_types=[*DEFAULT_TEXT_MIME_TYPES, MEDIA_TYPE])


def handler(event: LambdaEvent, context: LambdaContext) -> dict[str, Any]:
    """Answer one event. The application is built at the first and kept for the process's life."""
    return _adapter()(event, context)
