"""The OpenAPI document: what FastAPI derives from the routes, completed with what it cannot derive.

That is the problem documents and their codes, the two body formats of the photo search (which is parsed by hand, to
limit it) and the headers that every response carries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi

from handler.api.problem_codes import PROBLEM_CODES, code_table
from handler.api.problem_examples import PROBLEMS
from handler.api.problems import MEDIA_TYPE
from handler.api.routes import ROUTES
from handler.api.routes.examples import PHOTO, TOKEN
from handler.api.uploads import FORM_MEDIA_TYPE, JSON_MEDIA_TYPE
from handler.request_context import HEADER
from handler.schemas import PhotoSearch, Problem

if TYPE_CHECKING:
    from fastapi import FastAPI

DESCRIPTION = f"""\
A session is a token in the body: send the `session` of the last response with the next request. Nothing is stored.

Every error is a problem document (RFC 9457, `{MEDIA_TYPE}`): a `detail` for people, a `code` for programs and, where
they apply, the `field`, its `value`, the `limit` and a `remedy`. After a 4xx on its session a client can start a new
one; 500 and 503 are temporary.

{code_table()}
"""
NOT_MODIFIED = {"description": "The version that `If-None-Match` names is still current."}
PHOTO_PATH = "/v1/search/image"


def document(app: FastAPI) -> dict[str, Any]:
    """OpenAPI 3.1. It depends on the code alone, not on a deployment."""
    found = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=DESCRIPTION,
        routes=[route.documented() for route in ROUTES.values()],
    )
    components = found["components"]
    components["schemas"] |= {"Problem": _problem_schema(), "PhotoSearch": _photo_schema(), "PhotoForm": _form_schema()}
    for unused in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(unused, None)
    components["headers"] = {
        "RequestId": {
            "description": "The request's id, which the shop's log lines carry as well.",
            "required": True,
            "schema": {"type": "string"},
        },
        "RetryAfter": {
            "description": "Seconds after which the same request may succeed; in every 429.",
            "required": False,
            "schema": {"type": "integer"},
        },
    }
    found["paths"][PHOTO_PATH]["post"]["requestBody"] = {"required": True, "content": _photo_content()}
    for operations in found["paths"].values():
        for operation in operations.values():
            _complete(operation)
    return found


def _complete(operation: dict[str, Any]) -> None:
    # FastAPI drops every null from the examples that a route declares.
    operation["responses"]["200"]["content"][JSON_MEDIA_TYPE]["examples"] = ROUTES[operation["operationId"]].responses[
        200
    ]["content"][JSON_MEDIA_TYPE]["examples"]
    for status, response in operation["responses"].items():
        response.setdefault("headers", {})[HEADER] = {"$ref": "#/components/headers/RequestId"}
        if status == "304":
            response |= NOT_MODIFIED
            response.pop("content", None)
        elif status >= "400":
            if status in ("429", "503"):
                response["headers"]["Retry-After"] = {"$ref": "#/components/headers/RetryAfter"}
            response["description"] = _codes(int(status))
            problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
            if int(status) in PROBLEMS:
                problem["example"] = PROBLEMS[int(status)]
            response["content"] = {MEDIA_TYPE: problem}
    if "304" in operation["responses"]:
        operation.setdefault("parameters", []).append(
            {"name": "If-None-Match", "in": "header", "required": False, "schema": {"type": "string"}}
        )


def _codes(status: int) -> str:
    """The codes of a status. (FastAPI's own descriptions change with the version of Python.)"""
    return "A problem: " + ", ".join(f"`{known.code}`" for known in PROBLEM_CODES if known.status == status)


def _photo_content() -> dict[str, Any]:
    reference = "#/components/schemas/"
    return {
        # Repeated fields for lists, JSON for the filter: curl and FormData send both without further encoding.
        FORM_MEDIA_TYPE: {
            "schema": {"$ref": f"{reference}PhotoForm"},
            "encoding": {"image": {"contentType": "image/jpeg, image/png, image/webp, image/gif"}},
        },
        JSON_MEDIA_TYPE: {
            "schema": {"$ref": f"{reference}PhotoSearch"},
            "examples": {
                "plain": {"value": {"image": PHOTO, "count": 5}},
                "in a session": {"value": {"image": PHOTO, "session": TOKEN}},
            },
        },
    }


def _photo_schema() -> dict[str, Any]:
    return PhotoSearch.model_json_schema(ref_template="#/components/schemas/{model}")


def _form_schema() -> dict[str, Any]:
    schema = _photo_schema()
    properties = schema["properties"]
    properties["image"] = {
        "type": "string",
        "format": "binary",
        "description": "the photo's file: JPEG, PNG, WebP or GIF, at most 5 MB",
    }
    # A form has no null: optional fields are omitted instead.
    for name in ("session", "similar", "filter"):
        declared = properties[name]
        given = next(kind for kind in declared.pop("anyOf") if kind.get("type") != "null")
        declared.pop("default", None)
        properties[name] = {**given, **declared}
    return {**schema, "title": "PhotoForm"}


def _problem_schema() -> dict[str, Any]:
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schema["properties"]["code"]["enum"] = list(dict.fromkeys(known.code for known in PROBLEM_CODES))
    return schema
