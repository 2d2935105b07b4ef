"""The drawn sample shop: the same every time, well-formed, safe to interrupt."""

from __future__ import annotations

import csv
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from export.cli.main import app
from export.sample.assortment import assortment, capacity
from export.sample.catalog import FIELDS, write_sample_catalog
from export.sample.drawing import draw
from export.sample.frame import SIZE
from export.sample.kinds import KINDS
from export.sample.palette import COLOURS
from handler.errors import CatalogError

if TYPE_CHECKING:
    from pathlib import Path

ONE_OF_EACH = len(KINDS)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One product of every kind, drawn once for the whole module; tests that write take a copy of a few."""
    return write_sample_catalog(tmp_path_factory.mktemp("shop"), count=ONE_OF_EACH, seed=7)


def rows(manifest: Path) -> list[dict[str, str]]:
    with manifest.open(newline="") as file:
        return list(csv.DictReader(file))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_same_seed_draws_same_bytes(tmp_path: Path, shop: Path) -> None:
    again = write_sample_catalog(tmp_path, count=4, seed=7)

    for row in rows(again):
        assert (tmp_path / row["image"]).read_bytes() == (shop.parent / row["image"]).read_bytes()


def test_another_seed_draws_another_shop() -> None:
    assert [product.name for product in assortment(16, 1)] != [product.name for product in assortment(16, 2)]


def test_smaller_catalog_is_a_prefix_of_a_larger_one() -> None:
    assert assortment(459, 459)[:30] == assortment(30, 459)


def test_every_kind_is_drawn_at_the_stated_size(shop: Path) -> None:
    listed = rows(shop)

    assert {row["category"] for row in listed} == {kind.category for kind in KINDS}
    for row in listed:
        with Image.open(shop.parent / row["image"]) as photo:
            photo.load()
            assert photo.size == SIZE
            assert photo.mode == "RGB"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.category)
def test_every_cut_can_be_drawn_and_stays_inside_the_picture(kind: object) -> None:
    first: dict[str, object] = {}
    for product in assortment(capacity(), 459):
        if product.kind is kind and product.cut not in first:
            first[product.cut] = product
            pixels = np.asarray(draw(product, 459), np.float32)
            # A product that is cut off would leave a hard edge along the border; paper alone is smooth.
            border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
            assert np.abs(np.diff(border, axis=0)).max(axis=1).mean() < 3
            assert pixels[120:400, 60:340].std() > 8


def test_manifest_is_well_typed(shop: Path) -> None:
    listed = rows(shop)

    assert shop.name == "catalog.csv"
    assert (
        shop.read_text().splitlines()[0]
        == ",".join(FIELDS)
        == "id,image,name,category,colour,pattern,price,currency,in_stock"
    )
    assert len(listed) == ONE_OF_EACH
    for row in listed:
        assert row["image"] == f"{row['category']}/{row['id']}.jpg"
        assert row["colour"] in COLOURS
        assert row["name"].endswith(f" in {row['colour']}")
        whole, _, cents = row["price"].partition(".")
        assert whole.isdigit()
        assert cents in {"00", "50", "90", "95"}
        assert row["in_stock"] in {"true", "false"}


def test_no_two_products_are_the_same() -> None:
    products = assortment(capacity(), 459)

    assert len({product.id for product in products}) == len(products) == capacity()
    assert len({(product.kind.category, product.cut, product.colour, product.pattern) for product in products}) == len(
        products
    )


def test_default_assortment_is_a_plausible_shop() -> None:
    products = assortment(459, 459)
    sold = Counter(product.kind.category for product in products)

    assert len(products) == 459
    assert max(sold.values()) - min(sold.values()) <= 1
    assert 0.80 < sum(product.in_stock for product in products) / 459 < 0.90
    assert len({product.colour for product in products}) == len(COLOURS) == 14
    for product in products:
        low, high = product.kind.prices
        assert low <= product.price <= high + 1


def test_resumes_after_missing_half_and_foreign_files(tmp_path: Path) -> None:
    manifest = write_sample_catalog(tmp_path, count=4, seed=7)
    before = contents(tmp_path)
    photos = [tmp_path / row["image"] for row in rows(manifest)]
    manifest.unlink()
    photos[0].unlink()
    photos[1].write_bytes(photos[1].read_bytes()[:2000])
    photos[2].write_bytes(b"")

    write_sample_catalog(tmp_path, count=4, seed=7)

    assert contents(tmp_path) == before


def test_second_call_draws_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_sample_catalog(tmp_path, count=2)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}

    def refuse(*_: object) -> None:
        raise AssertionError("a complete photo was drawn again")

    monkeypatch.setattr("export.sample.drawing.draw", refuse)
    told: list[tuple[int, int]] = []
    write_sample_catalog(tmp_path, count=2, progress=lambda done, total: told.append((done, total)))

    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == times
    assert told == [(1, 2), (2, 2)]


def test_photos_of_another_seed_are_drawn_again(tmp_path: Path, shop: Path) -> None:
    write_sample_catalog(tmp_path, count=1, seed=8)
    manifest = write_sample_catalog(tmp_path, count=1, seed=7)

    image = rows(manifest)[0]["image"]
    assert (tmp_path / image).read_bytes() == (shop.parent / image).read_bytes()


@pytest.mark.parametrize("count", [0, -3, 10**6])
def test_silly_count_names_value_limit_and_remedy(tmp_path: Path, count: int) -> None:
    with pytest.raises(CatalogError, match=f"of {count} products .* 1 to {capacity()}") as caught:
        write_sample_catalog(tmp_path, count=count)

    assert (caught.value.value, caught.value.limit) == (count, capacity())
    assert caught.value.remedy
    assert list(tmp_path.iterdir()) == []


def test_a_shops_own_catalog_is_never_overwritten(tmp_path: Path) -> None:
    own = tmp_path / "catalog.csv"
    own.write_text("id,image,margin\n1,a.jpg,0.4\n")

    with pytest.raises(CatalogError, match="will not be overwritten"):
        write_sample_catalog(tmp_path, count=1)

    assert [path.name for path in tmp_path.iterdir()] == ["catalog.csv"]


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "shop").write_text("")

    with pytest.raises(CatalogError, match="is a file, not a directory"):
        write_sample_catalog(tmp_path / "shop", count=1)


def test_command_writes_the_catalog(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["sample", str(tmp_path / "shop"), "--count", "1"])

    assert result.exit_code == 0
    assert len(rows(tmp_path / "shop" / "catalog.csv")) == 1
