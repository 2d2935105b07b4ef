"""The OpenAPI document: what FastAPI derives from the routes, completed with what it cannot know.

That is the problem documents and their codes, the photo search's two kinds of body (read by hand, to bound them), the
headers that every answer carries, and an example of each request and answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi

from handler.api import openapi_examples as examples
from handler.api.problem_codes import PROBLEM_CODES, code_table
from handler.api.problems import MEDIA_TYPE
from handler.api.uploads import FORM_MEDIA_TYPE, JSON_MEDIA_TYPE
from handler.request_context import HEADER
from handler.schemas import PhotoSearch, Problem

if TYPE_CHECKING:
    from fastapi import FastAPI

DESCRIPTION = f"""\
A session is a token in the body: send the `session` of the last answer with the next request. Nothing is stored.

Every error is a problem document (RFC 9457, `{MEDIA_TYPE}`): a `detail` for people, a `code` for programs, and, as far
as each applies, the `field`, its `value`, the `limit` and a `remedy`. A session answered with 4xx can be given up for a
new one; 500 and 503 pass.

{code_table()}
"""
NOT_MODIFIED = {"description": "What `If-None-Match` names is still current."}
PHOTO_PATH = "/v1/search/image"


def document(app: FastAPI) -> dict[str, Any]:
    """OpenAPI 3.1. The same for the same code: there is nothing of a deployment in it."""
    found = get_openapi(
        title=app.title, version=app.version, summary=app.summary, description=DESCRIPTION, routes=app.routes
    )
    components = found["components"]
    components["schemas"] |= {"Problem": _problem_schema(), "PhotoSearch": _photo_schema(), "PhotoForm": _form_schema()}
    for unused in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(unused, None)
    components["headers"] = {
        "RequestId": {
            "description": "The request's id, as in the shop's log lines.",
            "required": True,
            "schema": {"type": "string"},
        }
    }
    found["paths"][PHOTO_PATH]["post"]["requestBody"] = {"required": True, "content": _photo_content()}
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            _complete(f"{method} {path}", operation)
    return found


def _complete(name: str, operation: dict[str, Any]) -> None:
    for status, response in operation["responses"].items():
        response.setdefault("headers", {})[HEADER] = {"$ref": "#/components/headers/RequestId"}
        if status == "304":
            response |= NOT_MODIFIED
            response.pop("content", None)
        elif status >= "400":
            response["description"] = _codes(int(status))
            problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
            if status in examples.PROBLEMS:
                problem["example"] = examples.PROBLEMS[status]
            response["content"] = {MEDIA_TYPE: problem}
    if "304" in operation["responses"]:
        operation.setdefault("parameters", []).append(
            {"name": "If-None-Match", "in": "header", "required": False, "schema": {"type": "string"}}
        )
    operation["responses"]["200"]["content"][JSON_MEDIA_TYPE]["examples"] = {
        key: {"value": value} for key, value in examples.ANSWERS[name].items()
    }
    if name in examples.REQUESTS:
        operation["requestBody"]["content"][JSON_MEDIA_TYPE]["examples"] = {
            key: {"value": value} for key, value in examples.REQUESTS[name].items()
        }


def _codes(status: int) -> str:
    """Which codes an answer of this status can carry. (FastAPI's own words differ from one Python to the next.)"""
    return "A problem: " + ", ".join(f"`{known.code}`" for known in PROBLEM_CODES if known.status == status)


def _photo_content() -> dict[str, Any]:
    reference = "#/components/schemas/"
    return {
        # Repeated fields for lists, JSON for the filter: what curl and FormData make of them without help.
        FORM_MEDIA_TYPE: {
            "schema": {"$ref": f"{reference}PhotoForm"},
            "encoding": {"image": {"contentType": "image/jpeg, image/png, image/webp, image/gif"}},
        },
        JSON_MEDIA_TYPE: {"schema": {"$ref": f"{reference}PhotoSearch"}},
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
    # A form has no null: what is not wanted is left out.
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
