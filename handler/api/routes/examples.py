"""The products, token and filter that the OpenAPI document's examples share."""

from __future__ import annotations

from typing import Any, Final

TOKEN: Final = "nAHECDjpMzkp0tvxzmle5bjECAEjRWeJq83vwJLMCgHMCsQ.6p5O7nXbU0Yv3lqM6kqP8gT0m3Y6y9oVw2oYx1bJr0c"  # noqa: S105
PHOTO: Final = "R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs="
FILTER: Final[dict[str, Any]] = {"category": ["dress", "skirt"], "price": {"lt": 50}}

RED: Final[dict[str, Any]] = {
    "id": "dresses/red-linen",
    "image_url": "https://images.example/dresses/red-linen.jpg",
    "fields": {"category": "dress", "price": 39.9},
    "reason": "similar",
    "score": 0.8731,
    "because": ["dresses/red-cotton"],
    "share": None,
}
BLUE: Final[dict[str, Any]] = {
    "id": "skirts/blue-denim",
    "image_url": "https://images.example/skirts/blue-denim.jpg",
    "fields": {"category": "skirt", "price": 29.9},
    "reason": "random",
    "score": None,
    "because": [],
    "share": None,
}
WITHOUT_REASON: Final[dict[str, Any]] = {"reason": None, "score": None, "because": [], "share": None}
FIRST_PAGE: Final[dict[str, Any]] = {
    "session": TOKEN,
    "round": 1,
    "items": [BLUE],
    "remaining": 449,
    "searched": None,
}
SHOWN_AGAIN: Final[dict[str, Any]] = {**FIRST_PAGE, "items": [{**BLUE, "reason": None}]}
NEXT_PAGE: Final[dict[str, Any]] = {**FIRST_PAGE, "round": 2, "items": [RED, BLUE], "remaining": 439}
SIMILAR: Final[dict[str, Any]] = {"items": [{**RED, "because": []}]}
FOUND: Final[dict[str, Any]] = {"items": [{**RED, "reason": "searched", "score": 0.0328, "because": []}]}
SEARCHED_PAGE: Final[dict[str, Any]] = {**NEXT_PAGE, "items": [*FOUND["items"], BLUE], "searched": "red dress"}
