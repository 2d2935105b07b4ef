"""Sessions: pages of products, and the answers to them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Body, Request
from fastapi.responses import Response  # noqa: TC002  FastAPI evaluates the annotations

from handler import pages
from handler.api.routes.answering import new_router, private, serving, statuses
from handler.api.routes.bare_route import BareRoute
from handler.api.routes.examples import FILTER, FIRST_PAGE, NEXT_PAGE, SHOWN_AGAIN, TOKEN
from handler.schemas import NextPage, Page, ShowPage, StartSession, Undo

router = new_router(BareRoute)
SESSION_STATUSES = (400, 403, 409, 410, 422)


@router.post(
    "/sessions", response_model=Page, summary="Start a session", responses=statuses(422, first_page=FIRST_PAGE)
)
async def start_session(
    request: Request,
    body: Annotated[
        StartSession,
        Body(openapi_examples={"plain": {"value": {}}, "filtered": {"value": {"count": 10, "filter": FILTER}}}),
    ],
) -> Response:
    """Ten random products, and the token that carries the session from here on."""
    return private(pages.start_session(await serving(request), body))


@router.post(
    "/sessions/next",
    response_model=Page,
    summary="Answer a page and get the next",
    responses=statuses(*SESSION_STATUSES, next_page=NEXT_PAGE),
)
async def next_page(
    request: Request,
    body: Annotated[
        NextPage,
        Body(
            openapi_examples={"answer": {"value": {"session": TOKEN, "liked": ["skirts/blue-denim"], "disliked": []}}}
        ),
    ],
) -> Response:
    """Report which of the products shown were liked and disliked, and get a page that follows from it.

    The same token with the same answer gives the same page, so a request may be retried.
    """
    return private(pages.continue_session(await serving(request), body))


@router.post(
    "/sessions/undo",
    response_model=Page,
    summary="Take back the last answer",
    responses=statuses(*SESSION_STATUSES, the_page_before=SHOWN_AGAIN),
)
async def undo(
    request: Request, body: Annotated[Undo, Body(openapi_examples={"undo": {"value": {"session": TOKEN}}})]
) -> Response:
    """The previous page, open for another answer. Products shown after it still count as seen."""
    return private(pages.undo(await serving(request), body))


@router.post(
    "/sessions/show",
    response_model=Page,
    summary="Show the page in front again",
    responses=statuses(*SESSION_STATUSES, the_page_in_front=SHOWN_AGAIN),
)
async def show_page(
    request: Request, body: Annotated[ShowPage, Body(openapi_examples={"shared link": {"value": {"session": TOKEN}}})]
) -> Response:
    """The page that a token leads to, for anyone who opens a shared link. It answers nothing and uses up no product.

    Items carry no reason: a token does not keep the count, filter and strategy of the request for their page.
    """
    return private(pages.show_page(await serving(request), body))
