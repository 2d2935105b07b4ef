"""The shop as a whole: its health, and the bundle it serves."""

from __future__ import annotations

from fastapi import Request  # noqa: TC002  FastAPI evaluates the annotations
from fastapi.responses import Response  # noqa: TC002  FastAPI evaluates the annotations
from starlette.concurrency import run_in_threadpool

from handler.api.routes.answering import new_router, private, public, runtime_of, serving, statuses
from handler.recommend.strategies import STRATEGIES
from handler.schemas import BundleInfo, Health

router = new_router()

_VERSION = "20260101T120000Z-1a2b3c4d"
_UP = {"status": "ok", "bundle": _VERSION, "reason": None, "stale_seconds": None}
_STALE = {"status": "degraded", "bundle": _VERSION, "reason": "store_unavailable", "stale_seconds": 95.3}
_BUNDLE = {
    "version": _VERSION,
    "created_at": "2026-01-01T12:00:00+00:00",
    "products": 459,
    "model": "facebook/dinov2-small",
    "model_fingerprint": "0123456789abcdef0123456789abcdef",
    "vector_space": "89abcdef0123456789abcdef01234567",
    "dim": 384,
    "recall": 1.0,
    "fields": [
        {"name": "category", "kind": "keyword", "values": ["dress", "skirt"], "minimum": None, "maximum": None},
        {"name": "price", "kind": "number", "values": None, "minimum": 9.9, "maximum": 199.0},
    ],
    "strategies": ["bayes", "mean", "recency", "rocchio"],
    "default_strategy": "mean",
    "options": ["diverse"],
    "text_search": True,
}


@router.get("/health", response_model=Health, responses=statuses(up=_UP, stale=_STALE))
async def health(request: Request) -> Response:
    """The bundle being served, and whether newer ones can be loaded; 503 while its products cannot be read."""
    bundle, stale = (await serving(request)).bundle, runtime_of(request).current.stale
    await run_in_threadpool(bundle.check_server)
    version = bundle.version
    if stale is None:
        return private(Health(status="ok", bundle=version))
    seconds = round(stale.seconds, 1)
    return private(Health(status="degraded", bundle=version, reason=stale.code, stale_seconds=seconds))


@router.get("/bundle", response_model=BundleInfo, responses=statuses(304, bundle=_BUNDLE))
async def bundle_info(request: Request) -> Response:
    """The bundle being served: number of products, model, and the fields that filters can use."""
    shop = await serving(request)
    manifest = shop.bundle.manifest
    info = BundleInfo(
        version=manifest.version,
        created_at=manifest.created_at.isoformat(),
        products=manifest.catalog.count,
        model=manifest.model.source,
        model_fingerprint=manifest.model.fingerprint,
        vector_space=manifest.vector_space,
        dim=manifest.index.dim,
        recall=round(manifest.index.recall.value, 4),
        fields=list(manifest.catalog.fields),
        strategies=sorted(STRATEGIES),
        default_strategy=shop.settings.strategy,
        options=["diverse"],
        text_search=shop.bundle.has_text_search,
    )
    return public(request, info)
