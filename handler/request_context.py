"""The current request: the id on its response and its log lines, and the time it arrived."""

from __future__ import annotations

import re
import time
import uuid
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "X-Request-Id"
_WELL_FORMED = re.compile(r"[0-9A-Za-z._=+/-]{8,128}")


@dataclass(slots=True)
class RequestContext:
    id: str
    started: float = field(default_factory=time.perf_counter)
    stages: dict[str, float] = field(default_factory=dict)
    """Milliseconds by stage, see `end_stage`."""
    stage_started: float = field(init=False)

    def __post_init__(self) -> None:
        self.stage_started = self.started

    @property
    def elapsed_ms(self) -> float:
        return (time.perf_counter() - self.started) * 1_000


# Each request runs in its own task, whose context ends with it, so nothing has to be reset.
_current: ContextVar[RequestContext | None] = ContextVar("vitrine_request", default=None)


def current_request() -> RequestContext | None:
    """The request being answered, or None outside a request."""
    return _current.get()


def end_stage(name: str) -> None:
    """The current request's stage `name` lasted from the end of the stage before, or its arrival, until now."""
    request = _current.get()
    if request is not None:
        now = time.perf_counter()
        request.stages[name] = (now - request.stage_started) * 1_000
        request.stage_started = now


def request_id(scope: Scope) -> str:
    """API Gateway's id, else Lambda's, else the client's if it is well-formed, else a new one.

    The id goes into a header and log lines, so it is validated: a client must not be able to inject lines.
    """
    event: dict[str, Any] = scope.get("aws.event") or {}
    offered = [
        (event.get("requestContext") or {}).get("requestId"),
        getattr(scope.get("aws.context"), "aws_request_id", None),
        *(value.decode("latin-1") for name, value in scope["headers"] if name == b"x-request-id"),
    ]
    return (
        next((one for one in offered if isinstance(one, str) and _WELL_FORMED.fullmatch(one)), "") or uuid.uuid4().hex
    )


class RequestIds:
    """The outermost ASGI middleware: gives every request its context and every response the header."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        context = RequestContext(request_id(scope))
        _current.set(context)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (HEADER.lower().encode(), context.id.encode())]
            await send(message)

        await self.app(scope, receive, send_with_id)
