"""Prune, the last step and the only one that may delete: bundles beyond the newest five, and vectors out of use."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from export.photos.partition import Part
from export.reindex.state import VECTORS
from export.store.prune import GRACE, delete, find_waste
from export.store.versions import pointer_or_none
from handler.errors import PublishConflict

if TYPE_CHECKING:
    from export.reindex.run import Run


def prune(run: Run, now: datetime | None = None) -> dict[str, Any]:
    """Delete what nothing uses any more and report how much. Files younger than a day stay: a run may be using them.

    `status` is `conflict` if another publisher moved the pointer meanwhile; no bundle is deleted then. Raises
    BundleError, ConfigurationError.
    """
    now = now or datetime.now(UTC)
    vectors = _old_vectors(run, now)
    for name in vectors:
        run.state.folder.delete(name)
    report = {"parts": len(vectors), "bundles": 0, "models": 0, "bytes": 0}
    pointer = pointer_or_none(run.store)
    if pointer is None:
        return {"status": "pruned", **report}
    found = find_waste(run.store, now=now, collections=run.collections)
    waste = [one for one in found if one.name != f"model {run.settings.encoder}"]
    try:
        delete(run.store, waste, pointer.version, run.collections)
    except PublishConflict as error:
        return {"status": "conflict", **report, "detail": str(error)}
    for kind in ("bundle", "model", *(["collection"] if run.collections else [])):
        report[f"{kind}s"] = sum(one.name.startswith(f"{kind} ") for one in waste)
    report["bytes"] = sum(one.size for one in waste)
    return {"status": "pruned", **report}


def _old_vectors(run: Run, now: datetime) -> list[str]:
    """Parts of another encoder or another size than the last complete build used, unless they are being prepared."""
    look = run.state.last_look()
    if look is None:
        return []
    old = []
    for name, modified in run.state.folder.modified(VECTORS).items():
        fingerprint, _, rest = name.removeprefix(VECTORS).partition("/")
        part = Part.parse(rest)
        used = part is not None and fingerprint == look.fingerprint and part.bits == look.bits
        if not used and fingerprint != run.settings.encoder and modified < now - GRACE:
            old.append(name)
    return old
