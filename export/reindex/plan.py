"""Plan, the first step: find out whether anything changed, and which parts of the catalog have to be embedded."""

from __future__ import annotations

import uuid
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from export.bundle.update_bundle import read_base
from export.photos.partition import Part, choose_bits
from export.reindex.encoders import choose_encoder
from export.reindex.s3_catalog import S3Catalog, listing_digest
from export.reindex.state import dump
from export.store.versions import pointer_or_none

if TYPE_CHECKING:
    from export.photos.read_catalog import CatalogRow
    from export.reindex.run import Run
    from export.reindex.s3_folder import Listed
    from export.reindex.state import Due, LastLook

_UPLOADS = 16
_MAX_BACKOFF_HOURS = 24


def plan(run: Run, *, force: bool = False) -> dict[str, Any]:
    """A report whose `status` says what to do next:

    unchanged   nothing: the last complete build saw this catalog; only the listing and two small objects were read
    empty       nothing: there is no product; a bundle that is current stays current
    waiting     nothing yet: the last build started less than `publish_minutes` ago, or several builds failed
    embed       embed `parts` parts of 2**`bits`: the items for the map are in the object `bucket`, `items`; if there is
                only one, it is also `part`
    build       build: every part is complete

    `overdue_hours` tells how long ago an earlier run noticed that a publish is due. `force` looks at everything again
    and does not wait. Raises CatalogError, BundleError, ConfigurationError.
    """
    catalog = S3Catalog.list(run.photos)
    pointer = pointer_or_none(run.store)
    look = run.state.last_look()
    if pointer and look and look.seen == run.seen(catalog) and not force:
        return {"status": "unchanged", "version": look.version, "objects": len(catalog.objects)}
    rows, skipped = catalog.rows()
    if not rows:
        return {"status": "empty", "objects": len(catalog.objects), "skipped": len(skipped)}
    due = run.state.due(look)
    report = {"products": len(rows), "overdue_hours": round(_hours_since(due.since), 2)}
    if not force and (wait := _wait(due, look, run.settings.publish_minutes)):
        return {"status": "waiting", **report, "minutes": round(wait.total_seconds() / 60, 1)}
    fingerprint = choose_encoder(run.settings, run.store, read_base(run.store).manifest)
    return report | _items(run, catalog, rows, fingerprint)


def _items(run: Run, catalog: S3Catalog, rows: tuple[CatalogRow, ...], fingerprint: str) -> dict[str, Any]:
    """Write what has to be embedded."""
    present = run.state.parts(fingerprint)
    photos = {row.image: catalog.objects[row.image] for row in rows if row.image in catalog.objects}
    layouts = [part.bits for part in present]
    bits = choose_bits(len(photos), max(layouts, key=layouts.count, default=None))
    wanted: dict[Part, list[Listed]] = defaultdict(list)
    for name, photo in photos.items():
        wanted[Part.of(name, bits)].append(photo)
    listings = {part: listing_digest(those) for part, those in wanted.items()}
    complete = run.state.complete(fingerprint, wanted.keys() & present)
    changed = sorted(part for part, listing in listings.items() if complete.get(part) != listing)
    report = {"bits": bits, "fingerprint": fingerprint, "parts": len(changed), "of": len(wanted)}
    if not changed:
        return {"status": "build", **report}
    place = f"plans/{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}"
    items = [{"plan": place, "part": str(part), "fingerprint": fingerprint} for part in changed]

    def write(part: Part) -> None:
        run.state.folder.write(f"{place}/{part}.json", dump(sorted(wanted[part])))

    with ThreadPoolExecutor(_UPLOADS) as pool:
        list(pool.map(write, changed))
    run.state.folder.write(f"{place}/items.json", dump(items))
    address = run.state.folder.address
    report |= {"bucket": address.bucket, "items": f"{address.prefix}{place}/items.json"}
    if len(items) == 1:
        report["part"] = items[0]
    return {"status": "embed", **report}


def _wait(due: Due, look: LastLook | None, publish_minutes: float) -> timedelta | None:
    """How long no build may start, or None. Builds that fail again and again wait longer each time, up to a day."""
    last = due.attempted or (look.finished if look else None)
    if last is None:
        return None
    backoff = timedelta(hours=min(2 ** max(due.failures - 1, 0) - 1, _MAX_BACKOFF_HOURS))
    left = last + max(timedelta(minutes=publish_minutes), backoff) - datetime.now(UTC)
    return left if left > timedelta(0) else None


def _hours_since(moment: datetime) -> float:
    return (datetime.now(UTC) - moment).total_seconds() / 3_600
