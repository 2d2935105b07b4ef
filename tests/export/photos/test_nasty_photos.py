"""A directory with every kind of bad photo: the run succeeds and gives a reason for each one it skips."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from export.photos import embed_catalog
from handler.local.local_state import LocalState
from tests.conftest import run_index
from tests.export.support import draw, open_current, png_header, write

if TYPE_CHECKING:
    from export.index_catalog import IndexReport

GOOD = (
    "animated.gif",
    "cmyk.jpg",
    "deep.png",
    "grey.png",
    "palette.png",
    "plain.jpg",
    "rotated.jpg",
    "transparent.png",
)


def write_good(directory: Path) -> None:
    draw(directory / "plain.jpg", 1)
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "green", "blue")]
    frames[0].save(directory / "animated.gif", save_all=True, append_images=frames[1:], duration=100)
    Image.new("CMYK", (20, 30), (10, 200, 30, 40)).save(directory / "cmyk.jpg")
    Image.fromarray(np.linspace(0, 65535, 900).astype(np.uint16).reshape(30, 30)).save(directory / "deep.png")
    Image.new("L", (1, 300), 90).save(directory / "grey.png")
    Image.new("P", (20, 20), 3).save(directory / "palette.png")
    Image.new("RGBA", (20, 20), (250, 10, 10, 0)).save(directory / "transparent.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 20), "green").save(directory / "rotated.jpg", exif=exif)


def write_bad(directory: Path) -> dict[str, str]:
    """The reason that the report must give, by image path."""
    whole = io.BytesIO()
    Image.effect_noise((64, 64), 60).save(whole, "JPEG")
    write(directory / "truncated.jpg", whole.getvalue()[: len(whole.getvalue()) // 2])
    write(directory / "text.jpg", "Dear customer, here is your photo.")
    write(directory / "empty.jpg", "")
    write(directory / "page.png", "<!doctype html><title>404 Not Found</title>")
    write(directory / "bomb.png", png_header(50_000, 50_000))
    write(directory / "no-pixels.png", png_header(10, 10))
    (directory / "circle.jpg").symlink_to(directory / "circle.jpg")
    (directory / "dangling.jpg").symlink_to(directory / "nothing-here.jpg")
    os.mkfifo(directory / "pipe.jpg")
    Image.fromarray(np.zeros((8, 8), dtype=np.float32)).save(directory / "floats.tif")
    write(directory / "phone.HEIC", b"\0\0\0\x18ftypheic")
    write(directory / "web.avif", b"\0\0\0\x1cftypavif")
    write(directory / "logo.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>")
    draw(directory / "plain.png", 3)
    draw(Path(os.fsdecode(os.fsencode(directory) + b"/caf\xe9.png")), 4)
    long = f"{'y' * 200}/{'z' * 200}/{'w' * 200}.png"
    draw(directory / long, 5)
    return {
        "plain.png": "plain.jpg already has the id 'plain'",
        r"caf\xe9.png": "not valid UTF-8",
        long: "has 602 characters; the limit is 512",
        "truncated.jpg": "truncated or damaged",
        "text.jpg": "not an image in a supported format",
        "empty.jpg": "not an image in a supported format",
        "page.png": "not an image in a supported format",
        "bomb.png": "50000 x 50000 = 2,500,000,000 pixels; the limit is 100,000,000",
        "no-pixels.png": "truncated or damaged",
        "circle.jpg": "cannot be read: Too many levels of symbolic links",
        "dangling.jpg": "cannot be read: No such file or directory",
        "pipe.jpg": "cannot be read: not a regular file",
        "floats.tif": "32-bit samples",
        "phone.HEIC": "HEIC files are not supported",
        "web.avif": "AVIF files are not supported",
        "logo.svg": "SVG files are not supported",
    }


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    path = tmp_path / "photos"
    path.mkdir()
    return path


def assert_says(report: IndexReport, expected: dict[str, str]) -> None:
    assert report.skipped.keys() == expected.keys()
    for image, reason in expected.items():
        assert reason in report.skipped[image], image


def test_good_photos_are_indexed_and_each_bad_one_has_a_reason(
    directory: Path, tmp_path: Path, encoder_directory: Path
) -> None:
    write_good(directory)
    expected = write_bad(directory)
    store = tmp_path / "bundles"
    report = run_index(directory, store, encoder_directory)
    assert_says(report, expected)
    assert report.products == len(GOOD)
    labels = open_current(store).catalog.labels_of([name.rpartition(".")[0] for name in GOOD])
    assert sorted(labels.values()) == list(range(len(GOOD)))

    again = run_index(directory, store, encoder_directory)
    assert again.embedded == 0
    assert not again.published
    assert_says(again, expected)


def test_an_unreadable_photo_is_skipped(directory: Path, tmp_path: Path, encoder_directory: Path) -> None:
    draw(directory / "a.png", 1)
    draw(directory / "locked.png", 2).chmod(0)
    if os.access(directory / "locked.png", os.R_OK):
        pytest.skip("this user may read everything")
    report = run_index(directory, tmp_path / "bundles", encoder_directory)
    assert report.products == 1
    assert_says(report, {"locked.png": "cannot be read: Permission denied"})


def test_a_file_over_the_limit_is_not_read(
    directory: Path, tmp_path: Path, encoder_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw(directory / "small.png", 1, (8, 8))
    draw(directory / "large.png", 2, (80, 80))
    monkeypatch.setattr(embed_catalog, "MAX_BYTES", 1_000)
    report = run_index(directory, tmp_path / "bundles", encoder_directory)
    assert_says(report, {"large.png": "at most 1,000 are read"})


def test_a_photo_that_vanishes_while_it_is_embedded_may_come_back(
    directory: Path, tmp_path: Path, encoder_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read error says nothing about the photo: the cache must not keep it."""
    draw(directory / "a.png", 1)
    draw(directory / "b.png", 2)
    load = embed_catalog._load

    def fail_for_b(path: Path, how: object) -> object:
        if path.name == "b.png":
            return OSError(5, "Input/output error")
        return load(path, how)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(embed_catalog, "_load", fail_for_b)
        report = run_index(directory, tmp_path / "bundles", encoder_directory)
    assert_says(report, {"b.png": "cannot be read: Input/output error"})
    report = run_index(directory, tmp_path / "bundles", encoder_directory)
    assert (report.products, report.embedded, report.skipped) == (2, 1, {})


def test_a_directory_whose_own_name_is_not_utf8_is_indexed_and_remembered(
    tmp_path: Path, encoder_directory: Path
) -> None:
    root = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    draw(root / "a.png", 1)
    assert run_index(root, tmp_path / "bundles", encoder_directory).products == 1
    assert LocalState(tmp_path / "bundles").photos() == root
