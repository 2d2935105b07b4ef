"""The command line as a user sees it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from handler.local.local_state import LocalState
from tests.cli_process import start, vitrine
from tests.export.support import draw_all, write


def assert_one_sentence(output: str, *parts: str) -> None:
    """An error is one line that begins with the command's name, without a traceback."""
    lines = [line for line in output.splitlines() if line.strip()]
    assert len(lines) == 1, output
    assert lines[0].startswith("vitrine: ")
    for part in parts:
        assert part in lines[0]


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_help_names_the_commands_and_where_to_start(arguments: list[str]) -> None:
    _, output = vitrine(*arguments)
    for word in ("index", "serve", "export", "vitrine index PHOTOS --out BUNDLES", "vitrine serve BUNDLES"):
        assert word in output


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (
            "index",
            [
                "PHOTOS",
                "--out",
                "--photos",
                "--model",
                "--m",
                "--ef-construction",
                ".csv",
                "resumes",
                "embedded encoder",
                "product table's own",
            ],
        ),
        ("serve", ["BUNDLES", "--host", "--port", "127.0.0.1", "8000", "picks a free one"]),
    ],
)
def test_help_of_a_command_says_what_each_part_is(command: str, words: list[str]) -> None:
    status, output = vitrine(command, "--help")
    assert status == 0
    for word in words:
        assert word in output
    assert str(Path(__file__).parents[3]) not in output, "a default shows a path of this machine"


def test_the_installed_command_is_this_one() -> None:
    command = Path(sys.executable).with_name("vitrine")
    if not command.exists():
        pytest.skip("vitrine is not installed beside this Python")
    output = subprocess.run([command, "--help"], check=True, capture_output=True, text=True).stdout
    assert "vitrine serve BUNDLES" in output


def test_index_reports_what_it_did_and_does_nothing_twice(tmp_path: Path, encoder_directory: Path) -> None:
    photos = draw_all(tmp_path / "photos", range(12))
    write(photos / "größe [bold].jpg", "not a photo")
    arguments = ("index", photos, "--out", tmp_path / "shop", "--model", encoder_directory)
    status, output = vitrine(*arguments)
    assert status == 0
    assert re.search(r"Bundle +\d{8}T\d{6}Z-[0-9a-f]{8} \(published\)", output)
    assert re.search(r"Products +12 \(12 new, 0 removed\)", output)
    assert re.search(r"Embedded +12 at [\d,.]+ photos/s", output)
    assert re.search(r"Recall@10 +1\.0000 with ef=32", output)
    memory = re.search(r"Memory +([\d,]+) MB at most", output)
    assert memory
    assert 20 < int(memory[1].replace(",", "")) < 20_000
    assert re.search(r"Skipped +1 photo;", output)
    assert "größe [bold].jpg: These 11 bytes are not an image" in output
    report = json.loads(LocalState(tmp_path / "shop").report.read_text(encoding="utf-8"))
    assert report["skipped"].keys() == {"größe [bold].jpg"}
    assert report["published"] is True

    status, output = vitrine(*arguments)
    assert status == 0
    assert "unchanged, nothing to publish" in output
    assert re.search(r"Embedded +0", output)


def test_a_directory_without_photos_is_one_sentence(tmp_path: Path) -> None:
    status, output = vitrine("index", tmp_path, "--out", tmp_path / "shop")
    assert status == 1
    assert_one_sentence(output, str(tmp_path), "contains no products", ".jpeg")
    assert not (tmp_path / "shop").exists()


def test_photos_that_are_all_broken_are_one_sentence(tmp_path: Path, encoder_directory: Path) -> None:
    write(tmp_path / "photos" / "a.jpg", "not a photo")
    status, output = vitrine("index", tmp_path / "photos", "--out", tmp_path / "shop", "--model", encoder_directory)
    assert status == 1
    assert "The only photo cannot be used: These 11 bytes are not an image" in output
    assert "Traceback" not in output


def test_a_model_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    photos = draw_all(tmp_path / "photos", range(2))
    status, output = vitrine("index", photos, "--out", tmp_path / "shop", "--model", tmp_path)
    assert status == 1
    assert "preprocess.json cannot be read: No such file or directory." in output
    assert "Traceback" not in output


def test_a_store_that_cannot_be_written_is_one_sentence(tmp_path: Path, encoder_directory: Path) -> None:
    photos = draw_all(tmp_path / "photos", range(2))
    out = write(tmp_path / "file", "in the way")
    status, output = vitrine("index", photos, "--out", out, "--model", encoder_directory)
    assert status == 1
    assert "vitrine: " in output
    assert str(out) in output
    assert "Traceback" not in output


def test_an_option_that_does_not_exist_is_a_usage_error(tmp_path: Path) -> None:
    status, output = vitrine("index", tmp_path, "--fast")
    assert status == 2
    assert "No such option: --fast" in output or "--fast" in output


def test_serving_an_empty_store_is_one_sentence(tmp_path: Path, bundles: Path) -> None:
    status, output = vitrine("serve", tmp_path, "--port", "0")
    assert status == 1
    assert_one_sentence(output, str(tmp_path))
    status, output = vitrine("serve", tmp_path, "--port", "0", "--photos", bundles)
    assert status == 1
    assert_one_sentence(output, "There is no current.json", f"vitrine index PHOTOS --out {tmp_path}")


def test_a_port_in_use_is_one_sentence(bundles: Path) -> None:
    with start("serve", bundles, "--port", "0") as first:
        assert first.stdout is not None
        try:
            match = re.search(r":(\d+)/", first.stdout.readline())
            assert match
            status, output = vitrine("serve", bundles, "--port", match[1])
        finally:
            first.kill()
            first.communicate()
    assert status == 1
    assert_one_sentence(output, f"Cannot listen on 127.0.0.1 port {match[1]}: Address already in use", "--port 0")


def test_serve_prints_its_address_answers_and_ends_on_ctrl_c(bundles: Path) -> None:
    with start("serve", bundles, "--port", "0") as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            match = re.search(r"http://127\.0\.0\.1:\d+/", line)
            assert match, line
            for path in ("", "v1/health", "photos/red/00.jpg"):
                with urllib.request.urlopen(match[0] + path, timeout=30) as answer:  # noqa: S310  our own
                    assert answer.status == 200
            process.send_signal(signal.SIGINT)
            rest, _ = process.communicate(timeout=30)
        finally:
            process.kill()
    assert "Traceback" not in rest
    assert "Error" not in rest
    assert "Warning" not in rest
    assert process.returncode == 128 + signal.SIGINT
