"""What every store promises: whole files or none, and a pointer that only one of two publishers moves.

`STORES` lists the implementations; the contract runs on each.
"""

from __future__ import annotations

import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from handler.bundle import CURRENT_KEY, FileRef, bundle_key
from handler.errors import BundleCorrupt, BundleNotFound, PublishConflict
from handler.store import BundleStore, DirectoryStore, Pointer, file_ref

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    MakeStore = Callable[[], BundleStore]

STORES: dict[str, Callable[[Path], BundleStore]] = {"directory": lambda folder: DirectoryStore(folder / "store")}
KEY = bundle_key("v1", "index.hnsw")
RACERS = 8


@pytest.fixture(params=STORES)
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> MakeStore:
    """Opens the same store anew, as another process would."""
    return lambda: STORES[request.param](tmp_path)


@pytest.fixture
def store(make_store: MakeStore) -> BundleStore:
    return make_store()


def write(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "source"
    path.write_bytes(content)
    return path


def race(store: BundleStore, version: str, etag: str | None) -> Pointer | None:
    """The new pointer for the winner, None for who was told."""
    try:
        return store.point(version, etag)
    except PublishConflict:
        return None


class TestContract:
    def test_an_empty_store_says_what_to_do(self, store: BundleStore) -> None:
        with pytest.raises(BundleNotFound, match="Make a bundle first"):
            store.current()

    def test_what_was_put_comes_back_and_is_verified(self, store: BundleStore, tmp_path: Path) -> None:
        source = write(tmp_path, b"vectors" * 1_000)
        expected = file_ref(source)
        store.put(KEY, source)
        source.unlink()
        assert store.read(KEY) == b"vectors" * 1_000
        assert store.fetch(KEY, expected).read_bytes() == b"vectors" * 1_000
        assert store.has(KEY, expected)

    def test_what_is_not_there_is_not_found(self, store: BundleStore) -> None:
        expected = FileRef(sha256="0" * 64, size=3)
        assert not store.has(KEY, expected)
        for ask in (lambda: store.read(KEY), lambda: store.fetch(KEY, expected)):
            with pytest.raises(BundleNotFound):
                ask()

    def test_a_flipped_bit_or_a_missing_end_is_corrupt(self, store: BundleStore, tmp_path: Path) -> None:
        expected = file_ref(write(tmp_path, b"vectors"))
        for content in (b"vectorz", b"vector", b"", b"vectors!"):
            store.put(KEY, write(tmp_path, content))
            with pytest.raises(BundleCorrupt):
                store.fetch(KEY, expected)

    def test_a_half_uploaded_file_does_not_count_as_there(self, store: BundleStore, tmp_path: Path) -> None:
        expected = file_ref(write(tmp_path, b"vectors"))
        store.put(KEY, write(tmp_path, b"vec"))
        assert not store.has(KEY, expected)

    def test_the_pointer_moves_from_tag_to_tag(self, store: BundleStore, make_store: MakeStore) -> None:
        first = store.point("v1", None)
        assert make_store().current() == first == Pointer("v1", first.etag)
        second = store.point("v2", first.etag)
        assert make_store().current() == second
        assert second.etag != first.etag
        back = store.point("v1", second.etag)
        assert make_store().current().version == back.version == "v1"

    def test_a_stale_tag_changes_nothing(self, store: BundleStore) -> None:
        first = store.point("v1", None)
        second = store.point("v2", first.etag)
        for stale in (None, first.etag, "nonsense"):
            with pytest.raises(PublishConflict, match="v2"):
                store.point("v3", stale)
        assert store.current() == second

    def test_a_tag_cannot_be_used_before_there_is_a_pointer(self, store: BundleStore) -> None:
        with pytest.raises(PublishConflict):
            store.point("v1", "nonsense")
        with pytest.raises(BundleNotFound):
            store.current()

    def test_of_many_publishers_exactly_one_wins(self, make_store: MakeStore) -> None:
        etag = None
        for turn in range(10):
            barrier = threading.Barrier(RACERS)

            def publish(
                number: int, turn: int = turn, etag: str | None = etag, gate: threading.Barrier = barrier
            ) -> Pointer | None:
                mine = make_store()
                gate.wait()
                return race(mine, f"v{turn}.{number}", etag)

            with ThreadPoolExecutor(RACERS) as pool:
                won = [pointer for pointer in pool.map(publish, range(RACERS)) if pointer]
            assert len(won) == 1
            assert make_store().current() == won[0]
            etag = won[0].etag

    def test_a_reader_sees_the_old_file_or_the_new_one_never_a_mixture(
        self, make_store: MakeStore, tmp_path: Path
    ) -> None:
        sources = [tmp_path / "zeros", tmp_path / "ones"]
        for digit, source in enumerate(sources):
            source.write_bytes(bytes([digit]) * (2_000_000 - digit))
        refs = [file_ref(source) for source in sources]
        writer, reader = make_store(), make_store()
        writer.put(KEY, sources[0])
        done = threading.Event()

        def rewrite() -> None:
            for turn in range(40):
                writer.put(KEY, sources[turn % 2])
            done.set()

        thread = threading.Thread(target=rewrite)
        thread.start()
        seen = set()
        while not done.is_set():
            content = reader.read(KEY)
            seen.add((len(content), content[0], content[-1]))
        thread.join()
        assert seen <= {(refs[0].size, 0, 0), (refs[1].size, 1, 1)}


def _publish(folder: Path, number: int, start: object, winners: object) -> None:
    start.wait()  # type: ignore[attr-defined]
    if race(DirectoryStore(folder), f"v{number}", None):
        winners.put(number)  # type: ignore[attr-defined]


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # from Python 3.12 on
def test_of_many_processes_exactly_one_publishes_first(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    start, winners = context.Barrier(6), context.SimpleQueue()
    racers = [context.Process(target=_publish, args=(tmp_path, number, start, winners)) for number in range(6)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(30)
        assert racer.exitcode == 0
    winner = winners.get()
    assert winners.empty()
    assert DirectoryStore(tmp_path).current().version == f"v{winner}"


def test_a_directory_store_leaves_no_temporary_files(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "store")
    source = write(tmp_path, b"vectors")
    store.put(KEY, source)
    with pytest.raises(FileNotFoundError):
        store.put(KEY, tmp_path / "never was")
    etag = store.point("v1", None).etag
    with pytest.raises(PublishConflict):
        store.point("v2", None)
    store.point("v2", etag)
    names = {str(path.relative_to(store.root)) for path in store.root.rglob("*") if path.is_file()}
    assert names == {KEY, CURRENT_KEY, ".current.lock"}


def test_a_pointer_that_is_no_pointer_is_corrupt(tmp_path: Path) -> None:
    for body in (b"", b"{}", b'{"version": "../../etc"}', b'{"version": "v1", "more": 1}', b"\xff"):
        (tmp_path / CURRENT_KEY).write_bytes(body)
        with pytest.raises(BundleCorrupt):
            DirectoryStore(tmp_path).current()


def test_a_photo_in_place_of_a_store_is_not_found(tmp_path: Path) -> None:
    """`vitrine serve photo.jpg` should say what is missing, not show a stack trace."""
    with pytest.raises(BundleNotFound):
        DirectoryStore(write(tmp_path, b"a photo")).current()
