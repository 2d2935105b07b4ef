"""The paths of the API, by resource; the logic is in `handler.pages`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi.routing import APIRoute

from handler.api.routes import items, search, sessions, shop, text
from handler.api.routes.answering import statuses

if TYPE_CHECKING:
    from fastapi import FastAPI

PREFIX = "/v1"
RESOURCES = (sessions, search, text, items, shop)
ROUTES = {
    route.name: route for resource in RESOURCES for route in resource.router.routes if isinstance(route, APIRoute)
}
"""Every route by the name of its function, which is its operation id."""


def add_routes(app: FastAPI) -> None:
    # Each router by itself: FastAPI looks for a route again at every level of nesting.
    for resource in RESOURCES:
        app.include_router(resource.router, prefix=PREFIX, responses=statuses(413, 500, 503))
