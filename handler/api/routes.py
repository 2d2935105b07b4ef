"""The paths of the API, each a line or two: logic is in `handler.pages`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from handler import pages
from handler.api.caching import KEEP_A_MINUTE, NEVER, conditional
from handler.api.uploads import read_photo_search
from handler.recommend.strategies import STRATEGIES
from handler.schemas import (
    MAX_COUNT,
    BundleInfo,
    Health,
    Item,
    NextPage,
    Page,
    ShowPage,
    SimilarItems,
    StartSession,
    Undo,
)

if TYPE_CHECKING:
    from pydantic import BaseModel

    from handler.open_bundle import OpenBundle
    from handler.runtime import Runtime


def _statuses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    # What they look like is the same everywhere, and filled in by handler.api.openapi.
    return {status: {} for status in statuses}


router = APIRouter(prefix="/v1", responses=_statuses(413, 500, 503))
_SESSION_STATUSES = _statuses(400, 403, 409, 410, 422)


def _runtime(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime


async def _bundle(runtime: Runtime) -> OpenBundle:
    """The current bundle; only looking for a new one, which reads files, leaves the event loop."""
    return await run_in_threadpool(runtime.bundle) if runtime.current.due else runtime.bundle()


def _private(body: BaseModel) -> Response:
    # Our own models need no second validation, which returning them to FastAPI would cost.
    return Response(body.model_dump_json(), headers={"Cache-Control": NEVER}, media_type="application/json")


def _public(request: Request, body: BaseModel) -> Response:
    return conditional(request, body.model_dump_json().encode(), "application/json", KEEP_A_MINUTE)


@router.post("/sessions", response_model=Page, responses=_statuses(422), summary="Start a session")
async def start_session(request: Request, body: StartSession) -> Response:
    """Ten products at random, and a token that carries the session from here on."""
    runtime = _runtime(request)
    return _private(pages.start_session(runtime, await _bundle(runtime), body))


@router.post("/sessions/next", response_model=Page, responses=_SESSION_STATUSES, summary="Answer a page, see the next")
async def next_page(request: Request, body: NextPage) -> Response:
    """Says what was liked and disliked of the products shown, and gets a page that follows it.

    The same token with the same answer gives the same page, so a request may be retried.
    """
    runtime = _runtime(request)
    return _private(pages.continue_session(runtime, await _bundle(runtime), body))


@router.post("/sessions/undo", response_model=Page, responses=_SESSION_STATUSES, summary="Take back the last answer")
async def undo(request: Request, body: Undo) -> Response:
    """The page before, open for another answer. What was shown after it still counts as seen."""
    runtime = _runtime(request)
    return _private(pages.undo(runtime, await _bundle(runtime), body))


@router.post("/sessions/show", response_model=Page, responses=_SESSION_STATUSES, summary="Show the page in front again")
async def show_page(request: Request, body: ShowPage) -> Response:
    """The page that a token leads to, for whoever opens a shared link. Nothing is answered, and no product is used up.

    Items carry no reason: a token does not keep the count, filter and strategy that their page was asked for with.
    """
    runtime = _runtime(request)
    return _private(pages.show_page(runtime, await _bundle(runtime), body))


@router.post(
    "/search/image",
    response_model=Page | SimilarItems,
    responses={**_SESSION_STATUSES, **_statuses(415)},
    summary="Search with a photo",
)
async def search_image(request: Request) -> Response:
    """The products most like a photo; with a session, the photo is liked there, and the next page follows.

    JPEG, PNG, WebP or GIF (its first picture), at most 5 MB and 25 million pixels, as a form's file or as base64.
    """
    runtime = _runtime(request)
    search, photo = await read_photo_search(request)
    bundle = await _bundle(runtime)
    # The token is verified first: that is cheap, and running the encoder is not.
    state = None if search.session is None else runtime.tokens.read(search.session, bundle.vector_space)
    vector = await run_in_threadpool(bundle.embed_photo, photo)
    return _private(pages.search_photo(runtime, bundle, search, state, vector))


# Ids may hold slashes (they default to a photo's path), so the longer path has to come first.
@router.get("/items/{product_id:path}/similar", response_model=SimilarItems | Item, responses=_statuses(304, 404, 422))
async def similar_items(
    request: Request, product_id: str, count: Annotated[int | None, Query(ge=1, le=MAX_COUNT)] = None
) -> Response:
    """The products nearest to one product; 10 unless `count` says otherwise.

    If a product's own id ends in `/similar`, its path without `count` returns that product: pass `count` to ask for the
    products nearest to the shorter id.
    """
    runtime = _runtime(request)
    bundle = await _bundle(runtime)
    if count is None:
        named = bundle.catalog.by_id(f"{product_id}/similar")
        if named is not None:
            return _public(request, pages.show_product(runtime, named))
        count = pages.SIMILAR_SHOWN
    product = pages.find_product(bundle, product_id)
    return _public(request, SimilarItems(items=pages.similar_products(runtime, bundle, product, count)))


@router.get("/items/{product_id:path}", response_model=Item, responses=_statuses(304, 404, 422))
async def item(request: Request, product_id: str) -> Response:
    """One product."""
    runtime = _runtime(request)
    return _public(request, pages.show_product(runtime, pages.find_product(await _bundle(runtime), product_id)))


@router.get("/health", response_model=Health)
async def health(request: Request) -> Response:
    """The bundle being served, and whether newer ones can be loaded."""
    runtime = _runtime(request)
    bundle, stale = await _bundle(runtime), runtime.current.stale
    if stale is None:
        return _private(Health(status="ok", bundle=bundle.version))
    seconds = round(stale.seconds, 1)
    return _private(Health(status="degraded", bundle=bundle.version, reason=stale.code, stale_seconds=seconds))


@router.get("/bundle", response_model=BundleInfo, responses=_statuses(304))
async def bundle_info(request: Request) -> Response:
    """What is being served: how many products, which model, and the fields that filters can use."""
    runtime = _runtime(request)
    manifest = (await _bundle(runtime)).manifest
    return _public(
        request,
        BundleInfo(
            version=manifest.version,
            created_at=manifest.created_at.isoformat(),
            products=manifest.catalog.count,
            model=manifest.model.source,
            model_fingerprint=manifest.model.fingerprint,
            vector_space=manifest.vector_space,
            dim=manifest.model.dim,
            recall=manifest.index.recall.value,
            fields=list(manifest.catalog.fields),
            strategies=sorted(STRATEGIES),
            default_strategy=runtime.settings.strategy,
            options=["diverse"],
        ),
    )
