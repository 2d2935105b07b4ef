"""A catalog that SQLite did not write: its digest fits, and any page of it may be anything."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

import numpy as np
import pytest

from export.bundle.describe_fields import describe_fields
from export.bundle.write_catalog import write_catalog
from export.bundle.write_texts import write_texts
from export.photos.read_catalog import CatalogRow
from export.store.assign_labels import Labels
from handler.errors import BundleCorrupt
from handler.products.catalog import Catalog
from handler.words.text_index import TextIndex

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from handler.manifest import CatalogInfo

COUNT = 400
PAGE = 4_096
ROWS = [CatalogRow(f"p/{row}", f"{row}.jpg", {"name": f"dress no. {row}", "price": row}) for row in range(COUNT)]
LABELS = Labels({row.id: number for number, row in enumerate(ROWS)}, {"gone": COUNT}, COUNT + 1)

USES: tuple[Callable[[Catalog], object], ...] = (
    lambda catalog: catalog.labels(),
    lambda catalog: catalog.by_labels(range(COUNT)),
    lambda catalog: catalog.by_id("p/7"),
    lambda catalog: catalog.has_image("7.jpg"),
    lambda catalog: catalog.labels_of(["p/7", "gone", "unknown"]),
    lambda catalog: catalog.passing({"price": {"lt": 50}}),
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, CatalogInfo]:
    path = tmp_path_factory.mktemp("whole") / "catalog.sqlite"
    info = write_catalog(path, ROWS, LABELS, describe_fields([row.fields for row in ROWS]))
    write_texts(path, ((number, row.fields) for number, row in enumerate(ROWS)), "unicode61")
    return path, info


def refused(path: Path, info: CatalogInfo) -> int:
    """How many uses of the catalog at `path` are refused. Nothing but BundleCorrupt may come out."""
    count = 0
    for use in USES:
        try:
            use(Catalog(path, info))
        except BundleCorrupt:
            count += 1
    try:
        TextIndex(path, "unicode61").search(["dress"], 10)
    except BundleCorrupt:
        count += 1
    return count


@pytest.mark.parametrize("fill", ["noise", "zeros", "another page"])
def test_any_page_may_be_invalid(whole: tuple[Path, CatalogInfo], tmp_path: Path, fill: str) -> None:
    content, info = whole[0].read_bytes(), whole[1]
    pages = len(content) // PAGE
    rng = np.random.default_rng(1)
    path = tmp_path / "crafted.sqlite"
    assert refused(whole[0], info) == 0
    refusals = 0
    for page in range(pages):
        other = PAGE * ((page + 1) % pages)
        filler = {"noise": rng.bytes(PAGE), "zeros": bytes(PAGE), "another page": content[other : other + PAGE]}[fill]
        path.write_bytes(content[: page * PAGE] + filler + content[(page + 1) * PAGE :])
        refusals += refused(path, info)
    assert refusals > pages


@pytest.mark.parametrize(
    ("statement", "use"),
    [
        ("UPDATE products SET label = 1152921504606846976 WHERE label = 7", USES[0]),
        ("UPDATE products SET label = -5 WHERE label = 7", USES[0]),
        ("DELETE FROM products WHERE label = 7", USES[0]),
        ("UPDATE field_values SET label = 1152921504606846976 WHERE label = 7", USES[5]),
        ("UPDATE field_values SET label = -5 WHERE label = 7", USES[5]),
        ("UPDATE products SET id = CAST(x'ff' AS TEXT) WHERE label = 7", USES[1]),
    ],
)
def test_absurd_values_are_refused(
    whole: tuple[Path, CatalogInfo], tmp_path: Path, statement: str, use: Callable[[Catalog], object]
) -> None:
    path = tmp_path / "crafted.sqlite"
    path.write_bytes(whole[0].read_bytes())
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute(statement)
    with pytest.raises(BundleCorrupt):
        use(Catalog(path, whole[1]))


@pytest.mark.parametrize("value", ["NULL", "x'00'", "1.5", "'text'", "1e300"])
def test_values_of_the_wrong_type_are_refused(whole: tuple[Path, CatalogInfo], tmp_path: Path, value: str) -> None:
    """Only the schema in the file itself says that its tables are strict."""
    path = tmp_path / "crafted.sqlite"
    path.write_bytes(whole[0].read_bytes())
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        for table, columns in (("products", "label, id, image, fields"), ("field_values", "field, value, label")):
            db.execute(f"ALTER TABLE {table} RENAME TO old")
            db.execute(f"CREATE TABLE {table} ({columns})")
            db.execute(f"INSERT INTO {table} SELECT {columns} FROM old")  # noqa: S608
            db.execute("DROP TABLE old")
        db.execute(f"UPDATE products SET image = {value}, label = {value} WHERE label = 7")  # noqa: S608
        db.execute(f"UPDATE field_values SET label = {value} WHERE label = 8")  # noqa: S608
    assert refused(path, whole[1]) >= 1
