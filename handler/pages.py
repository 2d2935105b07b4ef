"""A session's steps, from a validated request to the page that answers it. Nothing here knows HTTP."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from orjson import Fragment

from handler.answers import read_answer
from handler.errors import InvalidRequest, NothingFound, UnknownProduct
from handler.events import log_round, log_undo
from handler.recommend.next_page import PageRequest, Pick, next_page
from handler.recommend.search_page import search_page
from handler.recommend.strategies import find_strategy
from handler.request_context import end_stage
from handler.schemas import Item, Page, SimilarItems
from handler.words.text_index import words_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from handler.products.engine import Candidates, Product
    from handler.products.filters import Filter
    from handler.schemas import NextPage, PhotoSearch, ShowPage, StartSession, TextSearch, Undo
    from handler.serving import Serving
    from handler.sessions.state import SessionState

SIMILAR_SHOWN = 10
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._~-]*").fullmatch
"""Matches a path without characters that a URL quotes, which is most of them; `quote` takes eight times as long."""
_SESSION_ONLY = ("liked", "disliked", "similar", "strategy", "diverse")


def start_session(serving: Serving, request: StartSession) -> Page:
    """The first page, all of it random."""
    state = serving.tokens.start(serving.bundle.vector_space, request.seed)
    return _show_next(serving, state, request, similar=0)


def continue_session(serving: Serving, request: NextPage) -> Page:
    """Apply the answer to the page in front and show the next page."""
    return _continue(serving, request, serving.read_session(request.session))


def undo(serving: Serving, request: Undo) -> Page:
    """The previous page, open for another answer. A token keeps no reasons, so its items have none."""
    state = serving.read_session(request.session).undo(serving.bundle.index)
    picks = _in_front(state)
    log_undo(serving, state, picks)
    return _page(serving, serving.tokens.write(state), state, picks, allowed=None)


def show_page(serving: Serving, request: ShowPage) -> Page:
    """The page in front, with the token as it was sent. No answer, no event, and nothing more counts as seen.

    A token keeps no reasons, so its items have none.
    """
    state = serving.read_session(request.session)
    return _page(serving, request.session, state, _in_front(state), allowed=None)


def search_photo(
    serving: Serving, request: PhotoSearch, state: SessionState | None, photo: NDArray[np.float32]
) -> Page | SimilarItems:
    """The products nearest to a photo's unit vector (dim,). In a session the photo is liked, and the next page follows.

    `state` is the content of `request.session`, which the caller verified before running the encoder.
    """
    if state is not None:
        return _continue(serving, request, state, photo)
    _refuse_session_fields(request)
    neighbors = serving.bundle.index.nearest(photo, request.count, allowed=_allowed(serving, request.filter))
    return SimilarItems(items=_items(serving, [Pick(found.label, "similar", found.score) for found in neighbors]))


def search_text(serving: Serving, request: TextSearch) -> Page | SimilarItems:
    """The products that answer a text, best first. In a session they begin the next page, and the text is liked.

    Raises TextSearchUnavailable, InvalidRequest for a text without words, and in a session NothingFound.
    """
    search = serving.bundle.text_search
    if request.session is not None:
        return _continue(serving, request, serving.read_session(request.session), text=" ".join(words_of(request.text)))
    _refuse_session_fields(request)
    found = search.find(request.text, request.count, allowed=_allowed(serving, request.filter))
    return SimilarItems(items=_items(serving, [Pick(one.label, "searched", one.score) for one in found]))


def find_product(serving: Serving, product_id: str) -> Product:
    """Raises UnknownProduct."""
    product = serving.bundle.catalog.by_id(product_id)
    if product is None:
        raise UnknownProduct(f"No product has the id {product_id!r}.", field="id", value=product_id)
    return product


def show_product(serving: Serving, product: Product) -> Item:
    return _item(serving.settings.image_base_url.rstrip("/"), product, Pick(product.label, None), {})


def similar_products(serving: Serving, product: Product, count: int = SIMILAR_SHOWN) -> list[Item]:
    """The products nearest to one product, without that product."""
    _, vectors = serving.bundle.index.vectors([product.label])
    neighbors = serving.bundle.index.nearest(vectors[0], count, excluded={product.label})
    return _items(serving, [Pick(found.label, "similar", found.score) for found in neighbors])


def _continue(
    serving: Serving,
    request: NextPage | PhotoSearch | TextSearch,
    state: SessionState,
    photo: NDArray[np.float32] | None = None,
    text: str = "",
) -> Page:
    similar = request.count // 2 if request.similar is None else request.similar
    if similar > request.count:
        raise InvalidRequest(
            f"{similar} similar products do not fit on a page of {request.count}.",
            field="similar",
            value=similar,
            limit=request.count,
            remedy="Ask for a larger count or fewer similar ones.",
        )
    serving.bundle.index.expect(state.liked)
    liked, disliked = read_answer(request.liked, request.disliked, state, serving.bundle.catalog)
    answered = state.answer(liked, disliked, serving.bundle.index)
    if photo is not None:
        answered = answered.like_photo(photo)
    if text:
        answered = answered.search(text)
    return _show_next(serving, answered, request, similar, text)


def _show_next(
    serving: Serving,
    state: SessionState,
    request: StartSession | NextPage | PhotoSearch | TextSearch,
    similar: int,
    text: str = "",
) -> Page:
    end_stage("read")
    allowed = _allowed(serving, request.filter)
    strategy = request.strategy or serving.settings.strategy
    wanted = PageRequest(request.count, similar, find_strategy(strategy), allowed, request.diverse)
    picks = _picks(serving, state, wanted, text)
    end_stage("choose")
    shown = state.show([pick.label for pick in picks])
    page = _page(serving, serving.tokens.write(shown), shown, picks, allowed)
    log_round(serving, strategy, state, picks)
    return page


def _picks(serving: Serving, state: SessionState, wanted: PageRequest, text: str) -> list[Pick]:
    """`text` is what this very request searches for; `state.words` may be from an earlier one."""
    index, rng = serving.bundle.index, serving.tokens.page_random(state)
    # A session keeps its words when the shop goes back to a bundle that cannot search; they mean nothing there.
    words = serving.bundle.text_search.taste(state.words) if state.words and serving.bundle.has_text_search else None
    found = []
    if text:
        found = serving.bundle.text_search.find(text, wanted.count, excluded=state.shown, allowed=wanted.allowed)
        if not found:
            raise NothingFound(
                "No product that this session has not shown yet answers the search.",
                field="text",
                value=text,
                remedy="Search for other words, or drop the filter.",
            )
    if words is None:
        return next_page(state, wanted, index, rng)
    return search_page(state, wanted, found[: wanted.similar], words, index, rng)


def _refuse_session_fields(request: PhotoSearch | TextSearch) -> None:
    """Raises InvalidRequest for fields that only a session's pages have."""
    for field in _SESSION_ONLY:
        if getattr(request, field):
            raise InvalidRequest(
                f"{field} applies to a session's pages, and the request has no session.",
                field=field,
                remedy=f"Send the session as well, or omit {field}.",
            )


def _allowed(serving: Serving, wanted: Filter | None) -> Candidates | None:
    return serving.bundle.catalog.passing(wanted) if wanted else None


def _in_front(state: SessionState) -> list[Pick]:
    return [Pick(label, None) for label in state.rounds.front.shown]


def _page(serving: Serving, token: str, state: SessionState, picks: list[Pick], allowed: Candidates | None) -> Page:
    candidates = serving.bundle.index.everything if allowed is None else allowed
    return {
        "session": token,
        "round": state.number,
        "items": _items(serving, picks),
        "remaining": candidates.count_without(state.shown),
        "searched": state.words or None,
    }


def _items(serving: Serving, picks: list[Pick]) -> list[Item]:
    """The items to show. Products that left the catalog after they were picked are omitted."""
    named = {label for pick in picks for label in (pick.label, *pick.because)}
    products = serving.bundle.catalog.by_labels(sorted(named))
    images = serving.settings.image_base_url.rstrip("/")
    return [_item(images, products[pick.label], pick, products) for pick in picks if pick.label in products]


def _item(images: str, product: Product, pick: Pick, products: dict[int, Product]) -> Item:
    """`images` is the URL below which the photos are."""
    return {
        "id": product.id,
        "image_url": f"{images}/{product.image if _PLAIN_PATH(product.image) else quote(product.image)}",
        "fields": Fragment(product.fields),
        "reason": pick.reason,
        "score": None if pick.score is None else round(pick.score, 4),
        "because": [products[label].id for label in pick.because if label in products],
        "share": None if pick.share is None else round(pick.share, 4),
    }
