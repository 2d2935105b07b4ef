"""Products, and the products nearest to one of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import Response  # noqa: TC002  FastAPI evaluates the annotations

from handler import pages
from handler.api.routes.answering import new_router, public, serving, statuses
from handler.api.routes.examples import RED, SIMILAR, WITHOUT_REASON
from handler.schemas import MAX_COUNT, Item, SimilarItems

router = new_router()


# Ids may contain slashes (they default to a photo's path), so the longer path has to come first.
@router.get(
    "/items/{product_id:path}/similar",
    response_model=SimilarItems | Item,
    responses=statuses(304, 404, 422, nearest=SIMILAR),
)
async def similar_items(
    request: Request, product_id: str, count: Annotated[int | None, Query(ge=1, le=MAX_COUNT)] = None
) -> Response:
    """The products nearest to one product; 10 unless `count` says otherwise.

    If a product's own id ends in `/similar`, its path without `count` returns that product: pass `count` to ask for the
    products nearest to the shorter id.
    """
    shop = await serving(request)
    if count is None:
        named = shop.bundle.catalog.by_id(f"{product_id}/similar")
        if named is not None:
            return public(request, pages.show_product(shop, named))
        count = pages.SIMILAR_SHOWN
    product = pages.find_product(shop, product_id)
    return public(request, SimilarItems(items=pages.similar_products(shop, product, count)))


@router.get(
    "/items/{product_id:path}",
    response_model=Item,
    responses=statuses(304, 404, 422, product={**RED, **WITHOUT_REASON}),
)
async def item(request: Request, product_id: str) -> Response:
    """One product."""
    shop = await serving(request)
    return public(request, pages.show_product(shop, pages.find_product(shop, product_id)))
