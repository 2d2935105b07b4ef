"""Labels: a product's permanent integer, handed out once and never reused, so that sessions survive a re-index."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handler.manifest import CATALOG_FILE, bundle_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from handler.manifest import Manifest
    from handler.stores.store import BundleStore


@dataclass(frozen=True)
class Labels:
    """Who has which label: `current` products and `retired` ones, by id."""

    current: Mapping[str, int]
    retired: Mapping[str, int]
    next_label: int


NO_LABELS = Labels({}, {}, 0)


def read_labels(store: BundleStore, manifest: Manifest) -> Labels:
    """The labels that an earlier bundle handed out. Raises BundleError."""
    key = bundle_key(manifest.version, CATALOG_FILE)
    path = store.fetch(key, manifest.files[CATALOG_FILE])
    with sqlite3.connect(f"{path.resolve().as_uri()}?immutable=1", uri=True) as db:
        current = dict(db.execute("SELECT id, label FROM products"))
        retired = dict(db.execute("SELECT id, label FROM retired"))
    db.close()
    return Labels(current, retired, manifest.catalog.next_label)


def assign_labels(ids: Iterable[str], earlier: Labels) -> Labels:
    """Known ids keep their labels, retired ones that come back get theirs again, new ones get the next in order."""
    known = {**earlier.retired, **earlier.current}
    current: dict[str, int] = {}
    next_label = earlier.next_label
    for product_id in ids:
        if product_id in known:
            current[product_id] = known.pop(product_id)
        else:
            current[product_id] = next_label
            next_label += 1
    return Labels(current, known, next_label)
