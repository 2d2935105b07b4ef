"""The paths of the API, by resource; the logic is in `handler.pages`."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.routing import APIRoute

from handler.api.routes import items, search, sessions, shop
from handler.api.routes.answering import statuses

router = APIRouter(prefix="/v1", responses=statuses(413, 500, 503))
RESOURCES = (sessions, search, items, shop)
for resource in RESOURCES:
    router.include_router(resource.router)

ROUTES = {
    route.name: route for resource in RESOURCES for route in resource.router.routes if isinstance(route, APIRoute)
}
"""Every route by the name of its function, which is its operation id."""
