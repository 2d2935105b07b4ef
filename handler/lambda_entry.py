"""The entry point of the AWS Lambda function: an API Gateway event in, its response out."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from handler.collector import lasting

with lasting():
    import logging

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


_SERVER_HEADERS = frozenset({"host", "x-forwarded-port"})
"""The application uses neither."""
# GET /v1/bundle: imports and compiles what any request needs, and starts no session.
_FIRST_REQUEST = {
    "version": "2.0",
    "rawPath": "/v1/bundle",
    "rawQueryString": "",
    "headers": {"host": "localhost"},
    "requestContext": {"http": {"method": "GET", "path": "/v1/bundle", "sourceIp": "127.0.0.1"}, "stage": "$default"},
    "isBase64Encoded": False,
}


@cache
def _adapter() -> Mangum:
    with lasting():
        configure_logging()
        # lifespan="off": Mangum would run it for every single invocation.
        app = create_app(Runtime(Settings.from_env(os.environ)))
        return Mangum(app, lifespan="off", text_mime_types=[*DEFAULT_TEXT_MIME_TYPES, MEDIA_TYPE])


def handler(event: LambdaEvent, context: LambdaContext) -> dict[str, Any]:
    """Answer one event. The first one builds the application, which then lives as long as the process.

    An event that is not an HTTP request (a warm-up, a schedule, a test in the console) warms the process and is
    answered with a description of what it found; it is not an error.
    """
    if not _is_http(event):
        return _warm(event)
    return _adapter()(_without_server_headers(event), context)


def _without_server_headers(event: LambdaEvent) -> LambdaEvent:
    """The event without the headers that Mangum parses as host and port. A client may send anything in them."""
    return {
        member: {name: value for name, value in content.items() if name.lower() not in _SERVER_HEADERS}
        if member in ("headers", "multiValueHeaders") and content
        else content
        for member, content in event.items()
    }


def _is_http(event: object) -> bool:
    """Whether Mangum has an adapter for it: API Gateway 1.0 and 2.0, a function URL, a load balancer, Lambda@Edge."""
    if not isinstance(event, dict):
        return False
    records = event.get("Records")
    at_edge = isinstance(records, list) and bool(records) and isinstance(records[0], dict) and "cf" in records[0]
    context = event.get("requestContext")
    return at_edge or (isinstance(context, dict) and ("httpMethod" in event or "http" in context))


def _warm(event: object) -> dict[str, Any]:
    keys = sorted(map(str, event))[:10] if isinstance(event, dict) else type(event).__name__
    logger.warning("not an HTTP event: %s", keys)
    answer = {"status": "ok", "detail": "Not an HTTP event. This function answers requests from an API gateway."}
    try:
        bundle = _runtime().bundle()
        bundle.load()
        return answer | {"bundle": bundle.version}
    except VitrineError as error:
        return answer | {"status": "degraded", "reason": error.code}


def _runtime() -> Runtime:
    runtime: Runtime = _adapter().app.state.runtime  # type: ignore[attr-defined]
    return runtime


def _warm_up_for_snapshot() -> None:
    """Read the keys, load the bundle with its graph and answer one request before SnapStart takes its snapshot.

    A stack that is being created has no bundle yet, and its version must be published nevertheless: the first request
    then does the opening, or reports why it cannot.
    """
    from snapshot_restore_py import register_after_restore  # part of Lambda's runtime

    runtime = _runtime()
    try:
        runtime.tokens  # noqa: B018
        runtime.bundle().load()
        _adapter()(_FIRST_REQUEST, None)  # type: ignore[arg-type]
    except VitrineError as error:
        logger.warning("the snapshot starts cold: %s", error)
    register_after_restore(runtime.current.forget_when_checked)


if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
    _warm_up_for_snapshot()
