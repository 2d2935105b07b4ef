"""A bare route and FastAPI's own give the same answer to every request: the same model, or the same error."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from hypothesis import given, settings
from hypothesis import strategies as st
from mangum import Mangum

from handler.api.problems import MEDIA_TYPE as PROBLEM
from handler.api.problems import add_problem_handlers
from handler.api.routes import ROUTES
from handler.api.routes.bare_route import BareRoute
from handler.schemas import NextPage  # noqa: TC001  FastAPI evaluates the annotations
from tests.handler.support import event

JSON = "application/json"


def _app(route_class: type[APIRoute]) -> FastAPI:
    app = FastAPI()
    router = APIRouter(route_class=route_class)

    @router.post("/echo")
    async def echo(request: Request, body: NextPage) -> Response:
        return Response(f"{request.method} {body!r}")

    app.include_router(router)
    add_problem_handlers(app)
    return app


APPS = [_app(BareRoute), _app(APIRoute)]
HANDLERS = [Mangum(app, lifespan="off", text_mime_types=["text/", JSON, PROBLEM]) for app in APPS]


def _same(content: bytes, media_type: str | None = JSON) -> int:
    sent = event("next_page")
    sent["rawPath"] = sent["requestContext"]["http"]["path"] = "/echo"
    sent["headers"] = {} if media_type is None else {"content-type": media_type}
    sent |= {"body": base64.b64encode(content).decode(), "isBase64Encoded": True}
    bare, usual = (handler(sent, None) for handler in HANDLERS)  # type: ignore[arg-type]
    assert bare == usual
    status: int = bare["statusCode"]
    return status


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner))
valid: dict[str, st.SearchStrategy[Any]] = {
    "session": st.text(max_size=5),
    "liked": st.lists(st.text(min_size=1, max_size=3), max_size=3),
    "disliked": st.lists(st.text(min_size=1, max_size=3), max_size=3),
    "count": st.integers(1, 50),
    "similar": st.none() | st.integers(0, 50),
    "filter": st.none() | st.dictionaries(st.text(max_size=3), scalars | st.lists(scalars, max_size=2)),
    "strategy": st.none() | st.text(max_size=4),
    "diverse": st.booleans(),
}
bodies = st.fixed_dictionaries(
    {"session": valid["session"]}, optional={name: one | values for name, one in valid.items() if name != "session"}
)


@settings(max_examples=300, deadline=None)
@given(bodies)
def test_any_object_is_read_or_rejected_alike(body: dict[str, Any]) -> None:
    _same(json.dumps(body).encode())


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=20) | values.map(lambda value: json.dumps(value).encode()))
def test_anything_else_is_rejected_alike(content: bytes) -> None:
    assert _same(content) >= 400


@pytest.mark.parametrize(
    "content",
    [
        b'{"session": "a", "session": "b", "count": 2}',
        b'{"session": "\\ud800"}',
        '{"session": "größe"}'.encode("utf-16"),
        '{"session": "größe"}'.encode("utf-8-sig"),
        '{"session": "größe"}'.encode("latin-1"),
        b'{"session": "a", "filter": {"price": {"lt": NaN}}}',
        b'{"session": "a", "filter": {"price": 1e999}}',
        b'{"session": "a", "count": 1.0}',
        b'{"session": "a", "count": "1"}',
        b'{"session": "a", "count": 123456789012345678901234567890}',
        b'{"session": "a"} trailing',
        b"[" * 5_000 + b"]" * 5_000,
        b"",
    ],
)
def test_odd_json_is_read_or_rejected_alike(content: bytes) -> None:
    _same(content)


@pytest.mark.parametrize(
    "media_type",
    [
        f"{JSON}; charset=utf-8",
        f"{JSON};",
        "Application/JSON",
        "application/problem+json",
        "text/plain",
        "application/json+zip",
        "",
        None,
    ],
)
def test_content_types_are_accepted_or_rejected_alike(media_type: str | None) -> None:
    _same(b'{"session": "a"}', media_type)


def test_the_document_is_the_same() -> None:
    assert APPS[0].openapi() == APPS[1].openapi()


def test_response_models_are_made_for_the_document_alone() -> None:
    """Serving needs none of their schemas, and a cold start would wait for them."""
    assert {route.response_field for route in ROUTES.values()} == {None}
    assert all(route.documented().response_field is not None for route in ROUTES.values())
