"""A directory of photos as a catalog."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export.photos.read_catalog import IMAGE_SUFFIXES, MAX_ID_CHARS, UNSUPPORTED_SUFFIXES, read_catalog, rows_of_names
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


def test_the_first_directory_is_the_category_and_a_photo_at_the_top_has_none(tmp_path: Path) -> None:
    for name in ("shoes/red/b.jpg", "top.jpg"):
        write(tmp_path / name, "")
    rows = rows_by_id(tmp_path)
    assert rows["shoes/red/b"].fields == {"category": "shoes"}
    assert rows["top"].fields == {}


def test_hidden_and_other_files_are_ignored(tmp_path: Path) -> None:
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


def test_a_directory_of_unsupported_formats_says_so(tmp_path: Path) -> None:
    for number in range(5):
        write(tmp_path / f"{number}.heic", "")
    with pytest.raises(CatalogError, match=r"skipped: 0\.heic \(HEIC files are not supported.* and 2 more"):
        read_catalog(tmp_path)


def test_no_suffix_is_both_supported_and_not() -> None:
    assert not IMAGE_SUFFIXES & UNSUPPORTED_SUFFIXES


def test_names_in_any_script_are_ids(tmp_path: Path) -> None:
    names = ("Kleider/Größe 36.jpg", "帽子/赤い.png", "a b&c?d#e%.jpg")
    for name in names:
        write(tmp_path / name, "")
    assert set(ids_and_images(tmp_path)) == {str(Path(name).with_suffix("")) for name in names}


def test_of_two_photos_with_one_id_the_second_is_skipped(tmp_path: Path) -> None:
    for name in ("hats/0.jpg", "hats/0.jpeg", "hats/1.jpg"):
        write(tmp_path / name, "")
    found = read_catalog(tmp_path)
    assert {row.id: row.image for row in found.rows} == {"hats/0": "hats/0.jpeg", "hats/1": "hats/1.jpg"}
    assert found.skipped == {"hats/0.jpg": "hats/0.jpeg already has the id 'hats/0'; rename one of them."}


def test_an_empty_directory_says_which_files_are_photos(tmp_path: Path) -> None:
    write(tmp_path / "readme.txt", "")
    with pytest.raises(CatalogError, match="contains no products") as caught:
        read_catalog(tmp_path)
    assert ".jpeg" in str(caught.value.limit)
    assert ".webp" in str(caught.value)


def test_a_missing_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"nowhere does not exist") as caught:
        read_catalog(tmp_path / "nowhere")
    assert ".parquet" in str(caught.value)


def test_a_photo_whose_id_is_too_long_is_skipped(tmp_path: Path) -> None:
    long = f"x/{'y' * 200}/{'z' * 200}/{'w' * 200}.jpg"
    write(tmp_path / long, "")
    write(tmp_path / "a.jpg", "")
    found = read_catalog(tmp_path)
    assert [row.id for row in found.rows] == ["a"]
    assert found.skipped == {
        long: f"Its id, the path without the suffix, has 604 characters; the limit is {MAX_ID_CHARS}."
    }


def test_a_photo_whose_name_is_not_utf8_is_skipped_under_a_printable_name(tmp_path: Path) -> None:
    try:
        write(Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9/1.jpg")), "")
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    write(tmp_path / "a.jpg", "")
    found = read_catalog(tmp_path)
    assert [row.id for row in found.rows] == ["a"]
    assert found.skipped == {r"caf\xe9/1.jpg": "Its name is not valid UTF-8; rename it."}


def test_bad_names_alone_are_listed_in_the_error(tmp_path: Path) -> None:
    write(tmp_path / ("a" * 240) / ("b" * 240) / ("c" * 60 + ".jpg"), "")
    with pytest.raises(CatalogError, match=r"contains no products; skipped: a+/b+/c+\.jpg \(Its id, .* 542 characters"):
        read_catalog(tmp_path)


@pytest.mark.parametrize("name", ["hats//a.jpg", "/hats/a.jpg", "//a.jpg", "hats/./a.jpg"])
def test_an_object_name_that_is_not_a_plain_path_is_no_product(name: str) -> None:
    """S3 has such names; as paths they would be those of other objects."""
    rows, skipped = rows_of_names([name, "hats/a.jpg"])
    assert [row.image for row in rows] == ["hats/a.jpg"]
    assert all("empty parts" in reason for reason in skipped.values())


@given(st.lists(st.text("ab./é\udce9\n", max_size=8).map(lambda stem: f"{stem}.jpg") | st.text(max_size=8)))
def test_no_list_of_names_is_refused(names: list[str]) -> None:
    rows, skipped = rows_of_names(names)
    assert len({row.id for row in rows}) == len(rows)
    assert {row.image for row in rows} <= set(names)
    for text in (*skipped, *skipped.values(), *(row.id for row in rows)):
        text.encode()


def test_circular_links_are_not_followed(tmp_path: Path) -> None:
    write(tmp_path / "shop" / "a.jpg", "")
    (tmp_path / "shop" / "again").symlink_to(tmp_path / "shop", target_is_directory=True)
    assert ids_and_images(tmp_path) == {"shop/a": "shop/a.jpg"}


def test_a_directory_that_cannot_be_listed_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Skipping it would take all of its products out of the shop."""
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
