"""Build, the third step: from the parts' vectors to a published bundle."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.progress import Progress

from export.bundle.build_index import IndexParameters
from export.bundle.content import BuildOptions
from export.bundle.update_bundle import read_base, update_bundle
from export.bundle.write_bundle import describe_model
from export.photos.embed_catalog import check_usable
from export.reindex.collect_parts import collect_parts
from export.reindex.encoders import encoder_directory
from export.reindex.s3_catalog import S3Catalog
from export.reindex.state import LastLook
from handler.errors import PublishConflict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from export.reindex.run import Run

_REASONS_SHOWN = 20


def build(run: Run, planned: Mapping[str, Any]) -> dict[str, Any]:
    """Publish what `planned`, the report of Plan, has embedded. A report with one of these as its `status`:

    published   a new bundle is current
    current     something changed, but nothing that is served
    conflict    another publisher was first; its bundle stays, and the next run looks again
    empty       the last product has been removed since Plan

    `behind` counts photos that are still to be embedded, because their part failed or they have changed since Plan. A
    run with any leaves the publish due. Raises CatalogError, RecallTooLow, BundleError, ConfigurationError; the current
    bundle stays as it is then.
    """
    look = run.state.last_look()
    due = run.state.due(look)
    run.state.start_build(due)
    catalog = S3Catalog.list(run.photos)
    rows, unsupported = catalog.rows()
    if not rows:
        run.state.end_build(due)
        return {"status": "empty", "objects": len(catalog.objects), "skipped": len(unsupported)}
    base = read_base(run.store)
    directory = encoder_directory(run.settings, run.store, planned["fingerprint"])
    model = describe_model(directory)
    embedded, behind = collect_parts(rows, catalog.objects, run.state, model.fingerprint, planned["bits"], model.dim)
    check_usable(embedded)
    skipped = embedded.skipped | unsupported
    counts = {
        "products": len(embedded.rows),
        "behind": behind,
        "skipped": len(skipped),
        "reasons": dict(list(skipped.items())[:_REASONS_SHOWN]),
    }
    options = BuildOptions(model, directory, IndexParameters(), Progress(disable=True), collections=run.collections)
    try:
        outcome = update_bundle(embedded, run.store, base, options)
    except PublishConflict as error:
        run.state.end_build(due)
        return {"status": "conflict", **counts, "detail": str(error)}
    manifest = outcome.manifest
    if behind:
        run.state.end_build(due)
    else:
        run.state.finish(
            LastLook(
                seen=run.seen(catalog),
                version=manifest.version,
                fingerprint=model.fingerprint,
                bits=planned["bits"],
                finished=datetime.now(UTC),
            )
        )
    return {
        "status": "published" if outcome.published else "current",
        "version": manifest.version,
        **counts,
        "new": outcome.new,
        "removed": outcome.removed,
        "recall": manifest.index.recall.value,
        "ef": manifest.index.ef,
    }
