"""One example of every request and answer, for people who read the OpenAPI document and for tools that make mocks."""

from __future__ import annotations

from typing import Any, Final

TOKEN: Final = "nAHECDjpMzkp0tvxzmle5bjECAEjRWeJq83vwJLMCgHMCsQ.6p5O7nXbU0Yv3lqM6kqP8gT0m3Y6y9oVw2oYx1bJr0c"  # noqa: S105
FILTER: Final[dict[str, Any]] = {"category": ["dress", "skirt"], "price": {"lt": 50}}

_RED: Final[dict[str, Any]] = {
    "id": "dresses/red-linen",
    "image_url": "https://images.example/dresses/red-linen.jpg",
    "fields": {"category": "dress", "price": 39.9},
    "reason": "similar",
    "score": 0.8731,
    "because": ["dresses/red-cotton"],
    "share": None,
}
_BLUE: Final[dict[str, Any]] = {
    "id": "skirts/blue-denim",
    "image_url": "https://images.example/skirts/blue-denim.jpg",
    "fields": {"category": "skirt", "price": 29.9},
    "reason": "random",
    "score": None,
    "because": [],
    "share": None,
}
_ASKED: Final[dict[str, Any]] = {"reason": None, "score": None, "because": [], "share": None}
_PAGE: Final[dict[str, Any]] = {"session": TOKEN, "round": 2, "items": [_RED, _BLUE], "remaining": 439}
_FIRST: Final[dict[str, Any]] = {"session": TOKEN, "round": 1, "items": [_BLUE], "remaining": 449}
_SIMILAR: Final[dict[str, Any]] = {"items": [{**_RED, "because": []}]}

REQUESTS: Final[dict[str, dict[str, Any]]] = {
    "post /v1/sessions": {"plain": {}, "filtered": {"count": 10, "filter": FILTER}},
    "post /v1/sessions/next": {"answer": {"session": TOKEN, "liked": ["skirts/blue-denim"], "disliked": []}},
    "post /v1/sessions/undo": {"undo": {"session": TOKEN}},
    "post /v1/sessions/show": {"show": {"session": TOKEN}},
    "post /v1/search/image": {
        "plain": {"image": "R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs=", "count": 5},
        "in a session": {"image": "R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs=", "session": TOKEN},
    },
}

ANSWERS: Final[dict[str, dict[str, Any]]] = {
    "post /v1/sessions": {"first page": _FIRST},
    "post /v1/sessions/next": {"next page": _PAGE},
    "post /v1/sessions/undo": {"the page before": {**_FIRST, "items": [{**_BLUE, "reason": None}]}},
    "post /v1/sessions/show": {
        "the page in front": {**_PAGE, "items": [{**_RED, **_ASKED}, {**_BLUE, "reason": None}]}
    },
    "post /v1/search/image": {"without a session": _SIMILAR, "in a session": _PAGE},
    "get /v1/items/{product_id}": {"product": {**_RED, **_ASKED}},
    "get /v1/items/{product_id}/similar": {"nearest": _SIMILAR},
    "get /v1/health": {
        "up": {"status": "ok", "bundle": "20260101T120000Z-1a2b3c4d", "reason": None, "stale_seconds": None},
        "stale": {
            "status": "degraded",
            "bundle": "20260101T120000Z-1a2b3c4d",
            "reason": "store_unavailable",
            "stale_seconds": 95.3,
        },
    },
    "get /v1/bundle": {
        "bundle": {
            "version": "20260101T120000Z-1a2b3c4d",
            "created_at": "2026-01-01T12:00:00+00:00",
            "products": 459,
            "model": "facebook/dinov2-small",
            "model_fingerprint": "0123456789abcdef0123456789abcdef",
            "vector_space": "89abcdef0123456789abcdef01234567",
            "dim": 384,
            "recall": 1.0,
            "fields": [
                {"name": "category", "kind": "keyword", "values": ["dress", "skirt"], "minimum": None, "maximum": None},
                {"name": "price", "kind": "number", "values": None, "minimum": 9.9, "maximum": 199.0},
            ],
            "strategies": ["bayes", "mean", "recency", "rocchio"],
            "default_strategy": "mean",
            "options": ["diverse"],
        }
    },
}


def _problem(status: int, title: str, code: str, detail: str, **members: Any) -> dict[str, Any]:
    return {"type": "about:blank", "title": title, "status": status, "detail": detail, "code": code, **members}


PROBLEMS: Final[dict[str, dict[str, Any]]] = {
    "404": _problem(404, "Not Found", "unknown_product", "No product has the id 'x'.", field="id", value="x"),
    "410": _problem(
        410,
        "Gone",
        "session_expired",
        "The session is 604,801 seconds old.",
        field="session",
        value=604_801,
        limit=604_800,
        remedy="Start a new session.",
    ),
    "413": _problem(
        413,
        "Content Too Large",
        "image_too_large",
        "The photo has 7,340,032 bytes; at most 5,000,000 are read.",
        field="image",
        value=7_340_032,
        limit=5_000_000,
        remedy="Scale it down; 1,024 pixels are plenty.",
    ),
    "422": _problem(
        422,
        "Unprocessable Content",
        "invalid_request",
        "count: Input should be less than or equal to 50.",
        field="count",
        value=51,
        limit=50,
        remedy="/docs describes what this path takes.",
    ),
}
