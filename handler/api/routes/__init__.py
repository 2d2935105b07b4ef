"""The paths of the API, by resource; the logic is in `handler.pages`."""

from __future__ import annotations

from handler.api.routes import items, search, sessions, shop, text
from handler.api.routes.documented_route import DocumentedRoute

RESOURCES = (sessions, search, text, items, shop)
ROUTES = {
    route.name: route
    for resource in RESOURCES
    for route in resource.router.routes
    if isinstance(route, DocumentedRoute)
}
"""Every route by the name of its function, which is its operation id."""
