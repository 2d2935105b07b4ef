"""The paths of the API, by resource; the logic is in `handler.pages`."""

from __future__ import annotations

from fastapi.routing import APIRoute

from handler.api.routes import items, search, sessions, shop, text

RESOURCES = (sessions, search, text, items, shop)
ROUTES = {
    route.name: route for resource in RESOURCES for route in resource.router.routes if isinstance(route, APIRoute)
}
"""Every route by the name of its function, which is its operation id."""
