"""Search by words."""

from __future__ import annotations

from typing import Annotated

from fastapi import Body, Query, Request
from fastapi.responses import Response  # noqa: TC002  FastAPI evaluates the annotations
from pydantic import TypeAdapter, ValidationError

from handler import pages
from handler.api.routes.answering import new_router, private, public, serving, statuses
from handler.api.routes.examples import FILTER, FOUND, SEARCHED_PAGE, TOKEN
from handler.api.routes.sessions import SESSION_STATUSES
from handler.errors import InvalidRequest
from handler.schemas import MAX_COUNT, FilterBody, Page, SearchText, SimilarItems, TextSearch

router = new_router()

_FILTER: TypeAdapter[FilterBody] = TypeAdapter(FilterBody)


@router.get(
    "/search/text",
    response_model=SimilarItems,
    summary="Search with words",
    responses=statuses(304, 409, 422, found=FOUND),
)
async def find_text(
    request: Request,
    text: Annotated[SearchText, Query()],
    count: Annotated[int, Query(ge=1, le=MAX_COUNT)] = 10,
    filter: Annotated[str | None, Query(max_length=10_000, description="as in a body, written as JSON")] = None,  # noqa: A002
) -> Response:
    """The products that answer a text, best first.

    Caches and access logs may keep the text of a GET; a POST keeps it out of them.
    """
    search = TextSearch(text=text, count=count, filter=None if filter is None else _parsed(filter))
    return public(request, pages.search_text(await serving(request), search))


@router.post(
    "/search/text",
    response_model=Page | SimilarItems,
    summary="Search with words, also in a session",
    responses=statuses(404, *SESSION_STATUSES, without_a_session=FOUND, in_a_session=SEARCHED_PAGE),
)
async def search_text(
    request: Request,
    body: Annotated[
        TextSearch,
        Body(
            openapi_examples={
                "plain": {"value": {"text": "red dress", "filter": FILTER}},
                "in a session": {"value": {"text": "red dress", "session": TOKEN}},
            }
        ),
    ],
) -> Response:
    """The products that answer a text. With a session they begin the next page, and the text counts as a like."""
    return private(pages.search_text(await serving(request), body))


def _parsed(text: str) -> FilterBody:
    try:
        return _FILTER.validate_json(text, strict=True)
    except ValidationError as error:
        raise InvalidRequest(
            f"The filter is not valid: {error.errors(include_url=False)[0]['msg']}.",
            field="filter",
            value=text,
            remedy='Write it as JSON, as in {"category": ["dress"], "price": {"lt": 50}}, and percent-encode it.',
        ) from error
