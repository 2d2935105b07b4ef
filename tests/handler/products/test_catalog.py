"""The catalog finds products by label and id, remembers who left, and refuses a file that is not one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from export.bundle.describe_fields import describe_fields
from export.bundle.write_catalog import write_catalog
from export.photos.read_catalog import CatalogRow
from export.store.assign_labels import Labels
from handler.errors import BundleCorrupt
from handler.manifest import CatalogInfo
from handler.products.catalog import Catalog

if TYPE_CHECKING:
    from pathlib import Path

ROWS = [CatalogRow(f"shop/{number}/größe", f"a/b {number}.jpg", {"n": number}) for number in range(1_200)]
CURRENT = {row.id: 2 * number for number, row in enumerate(ROWS)}
RETIRED = {"gone": 5_000, "shop/lost": 5_001}


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    path = tmp_path_factory.mktemp("catalog") / "catalog.sqlite"
    info = write_catalog(path, ROWS, Labels(CURRENT, RETIRED, 5_002), describe_fields([row.fields for row in ROWS]))
    return Catalog(path, info)


def test_products_by_label_however_many_are_asked_for(catalog: Catalog) -> None:
    found = catalog.by_labels([*range(2_600), 5_000])
    assert {label: product.id for label, product in found.items()} == {label: name for name, label in CURRENT.items()}
    assert found[14].fields == '{"n": 7}'
    assert found[14].image == "a/b 7.jpg"
    assert catalog.by_labels([]) == {}
    assert len(catalog) == 1_200


@pytest.mark.parametrize("name", ["", "shop", "SHOP/3/GRÖSSE", "shop/%", "' OR 1=1 --", "\x00", "gone"])
def test_no_product_for_an_id_that_is_not_exactly_one(catalog: Catalog, name: str) -> None:
    assert catalog.by_id(name) is None


def test_product_by_id(catalog: Catalog) -> None:
    product = catalog.by_id("shop/3/größe")
    assert product is not None
    assert (product.label, product.image) == (6, "a/b 3.jpg")


def test_labels_of_finds_retired_products_and_ignores_unknown_ids(catalog: Catalog) -> None:
    """A shopper may like a product that was taken out a moment ago; that is no error."""
    assert catalog.labels_of(["gone", "shop/3/größe", "nobody"]) == {"gone": 5_000, "shop/3/größe": 6}
    assert catalog.labels_of(list(CURRENT)) == CURRENT


def test_only_photos_of_products_are_known(catalog: Catalog) -> None:
    assert catalog.has_image("a/b 3.jpg")
    assert not any(catalog.has_image(path) for path in ("", "a/b 3.jpg/", "/a/b 3.jpg", "a/../a/b 3.jpg", "a/b 3.JPG"))


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 100, b"SQLite format 3\x00" + b"\x00" * 4096])
def test_a_file_other_than_a_catalog_is_corrupt(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "catalog.sqlite"
    path.write_bytes(content)
    with pytest.raises(BundleCorrupt, match="is not a catalog that Vitrine wrote"):
        Catalog(path, CatalogInfo(count=1, next_label=1))


def test_a_missing_catalog_is_called_corrupt_and_not_created(tmp_path: Path) -> None:
    with pytest.raises(BundleCorrupt):
        Catalog(tmp_path / "none.sqlite", CatalogInfo(count=1, next_label=1))
    assert list(tmp_path.iterdir()) == []
