"""Search by photo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import Request  # noqa: TC002  FastAPI evaluates the annotations
from fastapi.responses import Response  # noqa: TC002  FastAPI evaluates the annotations

from handler import pages
from handler.api.routes.answering import new_router, private, serving, statuses
from handler.api.routes.examples import NEXT_PAGE, SIMILAR
from handler.api.routes.sessions import SESSION_STATUSES
from handler.api.uploads import read_photo_search
from handler.schemas import Page, SimilarItems

if TYPE_CHECKING:
    from handler.api.photo_queue import PhotoQueue

router = new_router()


# Its body is read by hand, within limits; handler.api.openapi describes it.
@router.post(
    "/search/image",
    response_model=Page | SimilarItems,
    summary="Search with a photo",
    responses=statuses(*SESSION_STATUSES, 415, 429, without_a_session=SIMILAR, in_a_session=NEXT_PAGE),
)
async def search_image(request: Request) -> Response:
    """The products most similar to a photo. With a session the photo counts as a like, and the next page follows.

    JPEG, PNG, WebP or GIF (first frame), at most 5 MB and 25 million pixels, as a form's file or as base64.
    """
    queue: PhotoQueue = request.app.state.photo_queue
    queue.check()  # before the body is read, which may have megabytes
    search, photo = await read_photo_search(request)
    shop = await serving(request)
    # The token is verified before the encoder runs, which is the expensive part.
    state = None if search.session is None else shop.read_session(search.session)
    vector = await queue.run(shop.bundle.embed_photo, photo)
    return private(pages.search_photo(shop, search, state, vector))
