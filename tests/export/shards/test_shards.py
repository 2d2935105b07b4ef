"""Indexing in shards: real processes beside each other, on directories and on S3."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.progress import Progress

from export.index_catalog import index_catalog
from export.photos.embed_catalog import embed_photos
from export.photos.read_catalog import CatalogSource, read_catalog
from export.shards import embed_shard as embed_shard_module
from export.shards.embed_shard import ShardReport, embed_shard
from export.shards.shard import MAX_SHARDS, Shard, all_shards
from handler.errors import CatalogError, ConfigurationError
from handler.pages import continue_session, start_session
from handler.runtime import Runtime
from handler.schemas import NextPage, StartSession
from handler.settings import Settings
from handler.stores.file_cache import FileCache
from handler.stores.s3_store import S3Store
from handler.stores.store import DirectoryStore
from tests.cli_process import start, vitrine
from tests.conftest import KEY, run_index
from tests.export.support import draw, draw_all, write

if TYPE_CHECKING:
    from pathlib import Path

    from export.index_catalog import IndexReport
    from handler.stores.store import BundleStore

COUNT = 4
PHOTOS = 60
KILLED_AFTER_ITS_FIRST_PART = """
import os, signal
from export.shards import shard_writer
shard_writer.PART_PHOTOS = 1
write = shard_writer.write_record
shard_writer.write_record = lambda *record: (write(*record), os.kill(os.getpid(), signal.SIGKILL))
"""


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos, one of them twice, one that is none, and one whose format is unsupported. Read only."""
    folder = draw_all(tmp_path_factory.mktemp("photos"), range(PHOTOS))
    shutil.copy(folder / "000.png", folder / "twin.png")
    write(folder / "broken.jpg", "not a photo")
    write(folder / "phone.heic", "unsupported")
    return folder


@pytest.fixture(scope="module")
def sharded(photos: Path, encoder_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the four shards of `photos`, and no bundle. Read only."""
    bundles = tmp_path_factory.mktemp("sharded")
    for shard in all_shards(COUNT):
        embed(photos, DirectoryStore(bundles), encoder_directory, str(shard))
    return bundles


def embed(photos: Path, store: BundleStore, encoder: Path, shard: str) -> ShardReport:
    return embed_shard(read_catalog(photos), store, encoder, Shard.parse(shard), Progress(disable=True))


def merge(source: CatalogSource, store: BundleStore, encoder: Path, cache: Path, count: int = COUNT) -> IndexReport:
    return index_catalog(source, store, encoder, cache, Progress(disable=True), merge=count)


def pages(bundles: str) -> list[Any]:
    """Two rounds of every session: what is shown, why, and how near."""
    runtime = Runtime(Settings(bundles=bundles, signing_keys=(KEY,)))
    shown = []
    for seed in ("a", "b", "c"):
        first = start_session(runtime.serving(), StartSession(seed=seed))
        liked = [item["id"] for item in first["items"][:2]]
        second = continue_session(runtime.serving(), NextPage(session=first["session"], liked=liked))
        shown += [orjson.loads(orjson.dumps(page["items"])) for page in (first, second)]
    return shown


def test_four_processes_at_once_make_the_bundle_of_one(photos: Path, encoder_directory: Path, tmp_path: Path) -> None:
    """One of the four is killed after its first part, and continues when it is run again."""
    bundles = tmp_path / "sharded"
    arguments = ("index", photos, "--out", bundles, "--model", encoder_directory)
    runs = [
        start(*arguments, "--shard", f"{number}/4", before=KILLED_AFTER_ITS_FIRST_PART if number == 2 else "")
        for number in range(1, 5)
    ]
    outputs = []
    for process in runs:
        with process:
            outputs.append(process.communicate(timeout=120)[0])
    assert [process.returncode for process in runs] == [0, -9, 0, 0], outputs
    assert "When all 4 shards are done, merge them with --merge 4." in outputs[0]

    status, output = vitrine(*arguments, "--merge", "4")
    assert status == 1
    assert "shard 2/4 is not complete: its process still runs, or was broken off" in output
    assert "--shard 2/4" in output
    assert not (bundles / "current.json").exists()

    kept = len(json.loads((bundles / "shards/2-of-4.json").read_text())["parts"])
    redone = embed(photos, DirectoryStore(bundles), encoder_directory, "2/4")
    assert kept == 1
    assert redone.kept > 0
    assert redone.kept + redone.embedded + len(redone.unreadable) <= redone.photos

    status, output = vitrine(*arguments, "--merge", "4")
    assert status == 0, output
    assert f"Products    {PHOTOS + 1} " in output
    alone = run_index(photos, tmp_path / "alone", encoder_directory)
    assert alone.skipped.keys() == {"broken.jpg", "phone.heic"}
    assert asdict(alone)["skipped"] == json.loads((bundles / ".local/index-report.json").read_text())["skipped"]
    assert pages(str(bundles)) == pages(str(tmp_path / "alone"))


def test_a_run_that_is_interrupted_keeps_what_it_has_embedded(
    photos: Path, encoder_directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def embed_until_the_end(pending: dict[str, Path], fingerprint: str, *rest: Any) -> None:
        embed_photos(dict(list(pending.items())[:3]), fingerprint, *rest)
        raise KeyboardInterrupt

    store = DirectoryStore(tmp_path)
    with monkeypatch.context() as interrupted:
        interrupted.setattr(embed_shard_module, "embed_photos", embed_until_the_end)
        with pytest.raises(KeyboardInterrupt):
            embed(photos, store, encoder_directory, "1/1")
    assert embed(photos, store, encoder_directory, "1/1").kept >= 3


def test_shards_and_bundle_in_s3(
    photos: Path, encoder_directory: Path, tmp_path: Path, bucket: str, sharded: Path
) -> None:
    store = S3Store(f"s3://{bucket}/shop", FileCache(tmp_path / "cache", 50))
    for shard in all_shards(COUNT):
        embed(photos, store, encoder_directory, str(shard))
    report = merge(read_catalog(photos), store, encoder_directory, tmp_path / "hashes.sqlite")
    assert (report.products, report.embedded) == (PHOTOS + 1, 0)
    written = {path.relative_to(sharded).as_posix() for path in (sharded / "shards").rglob("*") if path.is_file()}
    assert {file.key for file in store.files("shards/")} == written, "the same shards have the same digests"


def test_a_run_that_finds_nothing_new_embeds_nothing(photos: Path, encoder_directory: Path, sharded: Path) -> None:
    before = {path: path.read_bytes() for path in (sharded / "shards").rglob("*.npz")}
    report = embed(photos, DirectoryStore(sharded), encoder_directory, "1/4")
    assert (report.embedded, report.kept) == (0, report.photos)
    assert {path: path.read_bytes() for path in (sharded / "shards").rglob("*.npz")} == before


def test_changed_photos_make_only_their_shards_stale(
    photos: Path, encoder_directory: Path, sharded: Path, tmp_path: Path
) -> None:
    bundles, changed = tmp_path / "bundles", tmp_path / "photos"
    shutil.copytree(sharded, bundles)
    shutil.copytree(photos, changed)
    draw(changed / "003.png", seed=500)  # replaced
    (changed / "005.png").unlink()
    stale = str(Shard.of("003.png", COUNT))
    store, cache = DirectoryStore(bundles), tmp_path / "hashes.sqlite"
    with pytest.raises(CatalogError) as refused:
        merge(read_catalog(changed), store, encoder_directory, cache)
    assert refused.value.value == [stale]
    assert f"shard {stale} is stale: it lacks the current content of 1 of its photos, 003.png" in str(refused.value)
    assert embed(changed, store, encoder_directory, stale).embedded == 1
    report = merge(read_catalog(changed), store, encoder_directory, cache)
    assert report.products == PHOTOS
    run_index(changed, tmp_path / "alone", encoder_directory)
    assert pages(str(bundles)) == pages(str(tmp_path / "alone"))


def damaged_part(shards: Path) -> None:
    part = next((shards / "3-of-4").glob("*.npz"))
    part.write_bytes(part.read_bytes()[:-1] + b"?")


def lost_part(shards: Path) -> None:
    next((shards / "3-of-4").glob("*.npz")).unlink()


def damaged_record(shards: Path) -> None:
    (shards / "3-of-4.json").write_text("{")


def renamed_record(shards: Path) -> None:
    shutil.copy(shards / "2-of-4.json", shards / "3-of-4.json")


def foreign_encoder(shards: Path) -> None:
    record = json.loads((shards / "3-of-4.json").read_text())
    (shards / "3-of-4.json").write_text(json.dumps({**record, "fingerprint": "f" * 32}))


def missing(shards: Path) -> None:
    (shards / "3-of-4.json").unlink()


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (damaged_part, r"shard 3/4 is damaged \(shards/3-of-4/\w+\.npz has the digest \w+, not \w+\)"),
        (lost_part, r"shard 3/4 is damaged \(There is no shards/3-of-4/\w+\.npz"),
        (damaged_record, r"shard 3/4 is damaged \(shards/3-of-4\.json is not the record of a shard\)"),
        (renamed_record, r"shard 3/4 is damaged \(shards/3-of-4\.json is the record of shard 2/4\)"),
        (foreign_encoder, r"shard 3/4 was made by the encoder f{32}, not \w{32}"),
        (missing, r"shard 3/4 is missing"),
    ],
)
def test_a_bad_shard_is_refused_by_name_and_running_it_again_mends_it(
    spoil: Any, says: str, photos: Path, encoder_directory: Path, sharded: Path, tmp_path: Path
) -> None:
    bundles = tmp_path / "bundles"
    shutil.copytree(sharded, bundles)
    spoil(bundles / "shards")
    store, source, cache = DirectoryStore(bundles), read_catalog(photos), tmp_path / "hashes.sqlite"
    with pytest.raises(CatalogError, match=rf"{says}.*for --shard 3/4\.") as refused:
        merge(source, store, encoder_directory, cache)
    assert refused.value.value == ["3/4"]
    assert not (bundles / "current.json").exists()
    report = embed(photos, store, encoder_directory, "3/4")
    assert report.embedded > 0
    assert len(report.damaged) == (spoil not in (missing, foreign_encoder))
    assert merge(source, store, encoder_directory, cache).products == PHOTOS + 1


def test_shards_of_another_number_are_missing(photos: Path, encoder_directory: Path, sharded: Path) -> None:
    with pytest.raises(CatalogError, match=r"shard 1/8 is missing; .*; and 5 more.*for --shard 1/8 2/8 .* 8/8\."):
        merge(read_catalog(photos), DirectoryStore(sharded), encoder_directory, sharded / "hashes.sqlite", 8)


@pytest.mark.parametrize("option", [["--refit"], ["--merge", "4"]])
def test_options_of_the_build_belong_to_the_merge(option: list[str], photos: Path, tmp_path: Path) -> None:
    status, output = vitrine("index", photos, "--out", tmp_path / "shop", "--shard", "1/4", *option)
    assert status == 2
    assert f"--shard only embeds; pass {option[0]} to the run with --merge." in output
    assert not (tmp_path / "shop").exists()


@pytest.mark.parametrize("text", ["0/4", "5/4", "1/0", "1", "a/b", "-1/4", "1/4 ", f"1/{MAX_SHARDS + 1}", ""])
def test_what_is_no_shard(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"is not a shard\. Write I/N, from 1/N to N/N"):
        Shard.parse(text)


@pytest.mark.parametrize("count", [0, MAX_SHARDS + 1])
def test_how_many_shards_there_can_be(count: int) -> None:
    with pytest.raises(ConfigurationError, match="is not a shard"):
        all_shards(count)


@given(st.text(max_size=40), st.integers(1, MAX_SHARDS))
def test_every_photo_is_in_one_of_the_shards(image: str, count: int) -> None:
    shard = Shard.of(image, count)
    assert 1 <= shard.number <= shard.count == count
    assert Shard.parse(str(shard)) == shard


def test_shards_are_of_about_one_size() -> None:
    names = [hashlib.sha256(bytes([a, b])).hexdigest() for a in range(64) for b in range(64)]
    sizes = [sum(Shard.of(name, 7) == shard for name in names) for shard in all_shards(7)]
    assert min(sizes) > 0.8 * len(names) / 7
