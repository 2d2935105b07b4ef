"""A session's steps, from a checked request to the page that answers it. No HTTP in here."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from handler.answers import read_answer
from handler.errors import InvalidRequest, UnknownProduct
from handler.events import log_round, log_undo
from handler.recommend.next_page import PageRequest, Pick, next_page
from handler.recommend.strategies import find_strategy
from handler.schemas import Item, Page, SimilarItems

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from handler.open_bundle import OpenBundle
    from handler.products.catalog import Product
    from handler.products.filters import Filter
    from handler.products.labels import LabelSet
    from handler.runtime import Runtime
    from handler.schemas import NextPage, PhotoSearch, ShowPage, StartSession, Undo
    from handler.sessions.state import SessionState

SIMILAR_SHOWN = 10


def start_session(runtime: Runtime, bundle: OpenBundle, request: StartSession) -> Page:
    """The first page: all at random."""
    state = runtime.tokens.start(bundle.vector_space, request.seed)
    return _show_next(runtime, bundle, state, request, similar=0)


def continue_session(runtime: Runtime, bundle: OpenBundle, request: NextPage) -> Page:
    """Take the answer to the page in front, and show the next."""
    return _continue(runtime, bundle, request, runtime.tokens.read(request.session, bundle.vector_space))


def show_page(runtime: Runtime, bundle: OpenBundle, request: ShowPage) -> Page:
    """The page in front again, with the token as it was sent. It is not a round, so no event is logged.

    Items carry no reason. To recompute it takes the count, filter and strategy of the request that made the page, and
    the token does not keep them.
    """
    state = runtime.tokens.read(request.session, bundle.vector_space)
    picks = [Pick(label, None) for label in state.rounds[-1].shown]
    return _page(runtime, bundle, state, picks, allowed=None, token=request.session)


def _continue(
    runtime: Runtime,
    bundle: OpenBundle,
    request: NextPage | PhotoSearch,
    state: SessionState,
    photo: NDArray[np.float32] | None = None,
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
    liked, disliked = read_answer(request.liked, request.disliked, state, bundle.catalog)
    answered = state.answer(liked, disliked, bundle.index)
    if photo is not None:
        answered = answered.like_photo(photo)
    return _show_next(runtime, bundle, answered, request, similar)


def undo(runtime: Runtime, bundle: OpenBundle, request: Undo) -> Page:
    """The page before, open for another answer. Why its items were on it is not kept, so they carry no reason."""
    state = runtime.tokens.read(request.session, bundle.vector_space).undo(bundle.index)
    picks = [Pick(label, None) for label in state.rounds[-1].shown]
    log_undo(runtime, bundle.version, state, picks)
    return _page(runtime, bundle, state, picks, allowed=None)


def search_photo(
    runtime: Runtime, bundle: OpenBundle, request: PhotoSearch, state: SessionState | None, photo: NDArray[np.float32]
) -> Page | SimilarItems:
    """The products nearest to a photo's vector; in a session, the photo is liked and the next page follows.

    `state`: what `request.session` holds, verified by the caller before it ran the encoder.
    """
    if state is not None:
        return _continue(runtime, bundle, request, state, photo)
    for field in ("liked", "disliked", "similar", "strategy", "diverse"):
        if getattr(request, field):
            raise InvalidRequest(
                f"{field} is for a session's pages, and there is no session.",
                field=field,
                remedy="Send the session, too, or leave it out.",
            )
    allowed = _allowed(bundle, request.filter)
    neighbors = bundle.index.nearest(photo, request.count, allowed=allowed)
    picks = [Pick(neighbor.label, "similar", neighbor.score) for neighbor in neighbors]
    return SimilarItems(items=_items(runtime, bundle, picks))


def find_product(bundle: OpenBundle, product_id: str) -> Product:
    """Raises UnknownProduct."""
    product = bundle.catalog.by_id(product_id)
    if product is None:
        raise UnknownProduct(f"No product has the id {product_id!r}.", field="id", value=product_id)
    return product


def show_product(runtime: Runtime, product: Product) -> Item:
    return _item(runtime, product, Pick(product.label, None), {})


def similar_products(runtime: Runtime, bundle: OpenBundle, product: Product, count: int = SIMILAR_SHOWN) -> list[Item]:
    """What is nearest to one product, itself left out."""
    _, vectors = bundle.index.vectors([product.label])
    neighbors = bundle.index.nearest(vectors[0], count, excluded={product.label})
    picks = [Pick(neighbor.label, "similar", neighbor.score) for neighbor in neighbors]
    return _items(runtime, bundle, picks)


def _show_next(
    runtime: Runtime,
    bundle: OpenBundle,
    state: SessionState,
    request: StartSession | NextPage | PhotoSearch,
    similar: int,
) -> Page:
    allowed = _allowed(bundle, request.filter)
    strategy = request.strategy or runtime.settings.strategy
    wanted = PageRequest(request.count, similar, find_strategy(strategy), allowed, request.diverse)
    picks = next_page(state, wanted, bundle.index, runtime.tokens.page_random(state))
    page = _page(runtime, bundle, state.show([pick.label for pick in picks]), picks, allowed)
    log_round(runtime, bundle.version, strategy, state, picks)
    return page


def _allowed(bundle: OpenBundle, wanted: Filter | None) -> LabelSet | None:
    return bundle.catalog.passing(wanted) if wanted else None


def _page(
    runtime: Runtime,
    bundle: OpenBundle,
    state: SessionState,
    picks: list[Pick],
    allowed: LabelSet | None,
    token: str | None = None,
) -> Page:
    candidates = bundle.index.everything if allowed is None else allowed
    return Page.model_construct(
        session=token or runtime.tokens.write(state),
        round=state.number,
        items=_items(runtime, bundle, picks),
        remaining=candidates.count_without(state.shown),
    )


def _items(runtime: Runtime, bundle: OpenBundle, picks: list[Pick]) -> list[Item]:
    """What is shown of each pick. A product that left the catalog since it was picked is left out."""
    named = {label for pick in picks for label in (pick.label, *pick.because)}
    products = bundle.catalog.by_labels(sorted(named))
    return [_item(runtime, products[pick.label], pick, products) for pick in picks if pick.label in products]


def _item(runtime: Runtime, product: Product, pick: Pick, products: dict[int, Product]) -> Item:
    # Made of our own values: checking them again would cost as much as all else on the way out.
    return Item.model_construct(
        id=product.id,
        image_url=f"{runtime.settings.image_base_url.rstrip('/')}/{quote(product.image)}",
        fields=product.fields,
        reason=pick.reason,
        score=None if pick.score is None else round(pick.score, 4),
        because=[products[label].id for label in pick.because if label in products],
        share=None if pick.share is None else round(pick.share, 4),
    )
