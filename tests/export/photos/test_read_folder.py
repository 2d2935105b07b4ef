"""A folder of photos as a catalog."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from export.photos.read_catalog import IMAGE_SUFFIXES, MAX_ID_CHARS, UNSUPPORTED_SUFFIXES, read_catalog
from handler.errors import CatalogError
from tests.export.support import ids_and_images, rows_by_id, write


def test_nested_photos_become_products_sorted_by_id(tmp_path: Path) -> None:
    for name in ("shoes/red/b.JPG", "shoes/a.jpeg", "hats/z.Png", "top.webp", "hats/x.y.jpg"):
        write(tmp_path / name, "any bytes: a photo's content is looked at later")
    found = read_catalog(tmp_path)
    assert [row.id for row in found.rows] == ["hats/x.y", "hats/z", "shoes/a", "shoes/red/b", "top"]
    assert [row.image for row in found.rows] == [
        "hats/x.y.jpg",
        "hats/z.Png",
        "shoes/a.jpeg",
        "shoes/red/b.JPG",
        "top.webp",
    ]
    assert all(found.path_of(row).is_file() for row in found.rows)


def test_first_folder_is_the_category_and_a_photo_at_the_top_has_none(tmp_path: Path) -> None:
    for name in ("shoes/red/b.jpg", "top.jpg"):
        write(tmp_path / name, "")
    rows = rows_by_id(tmp_path)
    assert rows["shoes/red/b"].fields == {"category": "shoes"}
    assert rows["top"].fields == {}


def test_hidden_and_other_files_are_no_products(tmp_path: Path) -> None:
    for name in ("a.jpg", ".hidden.jpg", ".cache/b.jpg", "notes.txt", "c.jpg.part", "noext", "sub/.d.png"):
        write(tmp_path / name, "")
    assert ids_and_images(tmp_path) == {"a": "a.jpg"}


def test_pictures_in_unsupported_formats_are_skipped_with_a_reason(tmp_path: Path) -> None:
    skipped = ("phone/IMG_1.HEIC", "b.avif", "c.heif", "d.svg", "e.jxl", "f.CR2", "g.dng", "h.psd")
    for name in ("a.jpg", "notes.txt", ".hidden.heic", ".cache/x.avif", *skipped):
        write(tmp_path / name, "")
    found = read_catalog(tmp_path)
    assert [row.id for row in found.rows] == ["a"]
    assert found.skipped.keys() == set(skipped)
    assert found.skipped["phone/IMG_1.HEIC"] == "HEIC files are not supported; convert it to JPEG, PNG or WebP."


def test_a_folder_of_unsupported_pictures_says_so(tmp_path: Path) -> None:
    for number in range(5):
        write(tmp_path / f"{number}.heic", "")
    with pytest.raises(CatalogError, match=r"unsupported formats: 0\.heic, 1\.heic, 2\.heic and 2 more"):
        read_catalog(tmp_path)


def test_no_suffix_is_both_supported_and_not() -> None:
    assert not IMAGE_SUFFIXES & UNSUPPORTED_SUFFIXES


def test_names_in_any_script_are_ids(tmp_path: Path) -> None:
    names = ("Kleider/Größe 36.jpg", "帽子/赤い.png", "a b&c?d#e%.jpg")
    for name in names:
        write(tmp_path / name, "")
    assert set(ids_and_images(tmp_path)) == {str(Path(name).with_suffix("")) for name in names}


def test_two_suffixes_of_one_name_are_refused_with_both_named(tmp_path: Path) -> None:
    for name in ("hats/a.jpg", "hats/a.png"):
        write(tmp_path / name, "")
    with pytest.raises(CatalogError, match=r"id 'hats/a' twice: hats/a\.(jpg|png) and hats/a\.(jpg|png)") as caught:
        read_catalog(tmp_path)
    assert caught.value.value == "hats/a"
    assert "rename" in str(caught.value)


def test_empty_folder_says_what_a_photo_is(tmp_path: Path) -> None:
    write(tmp_path / "readme.txt", "")
    with pytest.raises(CatalogError, match="holds no products") as caught:
        read_catalog(tmp_path)
    assert ".jpeg" in str(caught.value.limit)
    assert ".webp" in str(caught.value)


def test_a_source_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"There is no .*nowhere") as caught:
        read_catalog(tmp_path / "nowhere")
    assert ".parquet" in str(caught.value)


def test_an_id_longer_than_the_limit_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "x" / ("y" * 200) / ("z" * 200)
    write(folder / ("w" * 200 + ".jpg"), "")
    with pytest.raises(CatalogError, match="604 characters") as caught:
        read_catalog(tmp_path)
    assert caught.value.limit == MAX_ID_CHARS


def test_a_name_that_is_not_unicode_is_refused_in_words_that_can_be_printed(tmp_path: Path) -> None:
    try:
        write(Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.jpg")), "")
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    with pytest.raises(CatalogError, match="not valid Unicode") as caught:
        read_catalog(tmp_path)
    assert str(caught.value.value).isascii()


def test_links_that_go_in_circles_end(tmp_path: Path) -> None:
    write(tmp_path / "shop" / "a.jpg", "")
    (tmp_path / "shop" / "again").symlink_to(tmp_path / "shop", target_is_directory=True)
    assert ids_and_images(tmp_path) == {"shop/a": "shop/a.jpg"}


def test_a_folder_that_cannot_be_listed_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Passing over it would take its products out of the shop."""
    write(tmp_path / "a.jpg", "")
    write(tmp_path / "locked" / "b.jpg", "")
    scandir = os.scandir

    def refuse(path: str) -> object:
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(CatalogError, match="locked cannot be read: Permission denied"):
        read_catalog(tmp_path)
