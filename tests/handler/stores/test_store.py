"""What every store promises: whole files or none, and a pointer that only one of two publishers moves.

The contract runs on a directory, on moto and on a real S3 server. moto's conditional writes are not atomic (18 of 600
races had not exactly one winner under forced thread switching), so there are no races there.
"""

from __future__ import annotations

import multiprocessing
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from handler.errors import BundleCorrupt, BundleNotFound, PublishConflict
from handler.file_ref import FileRef
from handler.manifest import CURRENT_KEY, bundle_key
from handler.stores.file_cache import FileCache
from handler.stores.pointer import Current, Pointer, next_current
from handler.stores.s3_store import S3Store
from handler.stores.store import BundleStore, DirectoryStore, file_ref
from tests.s3_servers import new_bucket, use

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    MakeStore = Callable[[], BundleStore]

KEY = bundle_key("v1", "index.hnsw")
RACERS = 8
RACES = 10


@pytest.fixture(params=["directory", "moto", "seaweed"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeStore:
    """Opens the same store anew, as another process would."""
    if request.param == "directory":
        return lambda: DirectoryStore(tmp_path / "store")
    bucket = new_bucket(use(request.getfixturevalue(f"{request.param}_endpoint"), monkeypatch))
    return lambda: S3Store(f"s3://{bucket}/some/where", FileCache(tmp_path / "cache"))


@pytest.fixture
def atomic(request: pytest.FixtureRequest, make_store: MakeStore) -> MakeStore:
    """The stores on which races are fair."""
    if "moto" in request.node.name:
        pytest.skip("moto checks a condition and writes afterwards, in two steps")
    return make_store


@pytest.fixture
def store(make_store: MakeStore) -> BundleStore:
    return make_store()


def write(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "source"
    path.write_bytes(content)
    return path


def upon(before: Pointer | None, version: str) -> Current:
    return next_current(before, version, "0" * 64, 10)


def race(store: BundleStore, version: str, before: Pointer | None) -> Pointer | None:
    """Publish over `before`; None if another publisher was first."""
    try:
        return store.point(upon(before, version), before.etag if before else None)
    except PublishConflict:
        return None


class TestContract:
    def test_an_empty_store_has_a_remedy(self, store: BundleStore) -> None:
        with pytest.raises(BundleNotFound, match="Make a bundle first: vitrine index PHOTOS --out"):
            store.current()

    def test_a_stored_file_is_fetched_and_verified(self, store: BundleStore, tmp_path: Path) -> None:
        source = write(tmp_path, b"vectors" * 1_000)
        expected = file_ref(source)
        store.put(KEY, source)
        source.unlink()
        assert store.read(KEY) == b"vectors" * 1_000
        assert store.fetch(KEY, expected).read_bytes() == b"vectors" * 1_000
        assert store.has(KEY, expected)

    def test_a_missing_key_is_not_found(self, store: BundleStore) -> None:
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
        first = store.point(upon(None, "v1"), None)
        assert make_store().current() == first
        assert first.version == "v1"
        second = store.point(upon(first, "v2"), first.etag)
        assert make_store().current() == second
        assert second.etag != first.etag
        back = store.point(upon(second, "v1"), second.etag)
        assert make_store().current().version == back.version == "v1"

    def test_a_pointer_that_returns_to_a_version_is_another_pointer(self, atomic: MakeStore) -> None:
        """A, B and back to A: a publisher that read the first A must be told, for B has handed out labels."""
        store = atomic()
        first = store.point(upon(None, "a"), None)
        second = store.point(upon(first, "b"), first.etag)
        back = store.point(upon(second, "a"), second.etag)
        assert len({first.etag, second.etag, back.etag}) == 3
        with pytest.raises(PublishConflict, match="another publisher was first"):
            store.point(upon(first, "c"), first.etag)
        assert atomic().current() == back
        assert atomic().current(first) == back

    def test_a_pointer_of_the_first_release_is_read_and_replaced(self, store: BundleStore) -> None:
        old = store.point(Current(version="v1"), None)
        assert store.current() == old
        assert old.current == Current(version="v1", manifest_sha256=None, generation=None, next_label=None)
        new = store.point(upon(old, "v1"), old.etag)
        assert new.etag != old.etag
        assert store.current().current.next_label == 10

    def test_a_stale_tag_changes_nothing(self, store: BundleStore) -> None:
        first = store.point(upon(None, "v1"), None)
        second = store.point(upon(first, "v2"), first.etag)
        for stale in (None, first.etag, "nonsense"):
            with pytest.raises(PublishConflict, match="v2"):
                store.point(upon(second, "v3"), stale)
        assert store.current() == second

    def test_a_tag_cannot_be_used_before_there_is_a_pointer(self, store: BundleStore) -> None:
        with pytest.raises(PublishConflict):
            store.point(upon(None, "v1"), "nonsense")
        with pytest.raises(BundleNotFound):
            store.current()

    def test_of_many_publishers_exactly_one_wins(self, atomic: MakeStore) -> None:
        before = None
        for turn in range(10):
            barrier = threading.Barrier(RACERS)

            def publish(
                number: int, turn: int = turn, before: Pointer | None = before, gate: threading.Barrier = barrier
            ) -> Pointer | None:
                mine = atomic()
                gate.wait()
                return race(mine, f"v{turn}.{number}", before)

            with ThreadPoolExecutor(RACERS) as pool:
                won = [pointer for pointer in pool.map(publish, range(RACERS)) if pointer]
            assert len(won) == 1
            assert atomic().current() == won[0]
            before = won[0]

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

    def test_an_unchanged_pointer_is_recognized_at_once(self, store: BundleStore, make_store: MakeStore) -> None:
        first = store.point(upon(None, "v1"), None)
        assert store.current(first) is first
        second = make_store().point(upon(first, "v2"), first.etag)
        assert store.current(first) == second

    def test_files_are_listed_and_deleted(self, store: BundleStore, tmp_path: Path) -> None:
        for key in (KEY, bundle_key("v2", "index.hnsw"), bundle_key("v1", "a.txt")):
            store.put(key, write(tmp_path, b"vectors"))
        store.point(upon(None, "v1"), None)
        listed = store.files("bundles/v1/")
        assert [(file.key, file.size) for file in listed] == [("bundles/v1/a.txt", 7), (KEY, 7)]
        assert all(abs(file.modified.timestamp() - time.time()) < 120 for file in listed)
        assert [file.key for file in store.files("")][-1] == CURRENT_KEY
        for file in (*listed, listed[0]):
            store.delete(file)
        assert [file.key for file in store.files("bundles/")] == ["bundles/v2/index.hnsw"]
        assert store.files("models/") == store.leftovers() == []

    def test_a_multipart_upload_is_complete(self, store: BundleStore, tmp_path: Path) -> None:
        """In parts, where the store takes parts."""
        source = write(tmp_path, random.Random(1).randbytes(40_000_000))
        store.put(KEY, source)
        assert store.fetch(KEY, file_ref(source)).read_bytes() == source.read_bytes()


PROCESSES = 6


def _publish(make_store: MakeStore, number: int, turns: Sequence[Any], outcomes: Any) -> None:
    """In every turn, all publish upon the tag that all have read."""
    store = make_store()
    for turn, barriers in enumerate(turns):
        before = store.current() if turn else None
        barriers.wait(60)
        outcomes.put((turn, number, race(store, f"v{turn}.{number}", before) is not None))
        barriers.wait(60)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # from Python 3.12 on
def test_of_many_processes_exactly_one_publishes(atomic: MakeStore, record_property: Callable[..., None]) -> None:
    context = multiprocessing.get_context("fork")
    turns, outcomes = [context.Barrier(PROCESSES) for _ in range(RACES)], context.Queue()
    racers = [context.Process(target=_publish, args=(atomic, n, turns, outcomes)) for n in range(PROCESSES)]
    for racer in racers:
        racer.start()
    results = [outcomes.get(timeout=60) for _ in range(RACES * PROCESSES)]
    for racer in racers:
        racer.join(60)
        assert racer.exitcode == 0
    won = Counter(turn for turn, _, wins in results if wins)
    lost = sum(not wins for _, _, wins in results)
    counts = f"{RACES} races of {PROCESSES} processes: {won.total()} won, {lost} told of the conflict"
    record_property("races", counts)
    print(f"{type(atomic()).__name__}: {counts}")  # noqa: T201  pytest -s shows it
    assert won == dict.fromkeys(range(RACES), 1)
    last = next(number for turn, number, wins in results if wins and turn == RACES - 1)
    assert atomic().current().version == f"v{RACES - 1}.{last}"


def test_a_directory_store_leaves_no_temporary_files(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "store")
    source = write(tmp_path, b"vectors")
    store.put(KEY, source)
    with pytest.raises(FileNotFoundError):
        store.put(KEY, tmp_path / "never was")
    first = store.point(upon(None, "v1"), None)
    with pytest.raises(PublishConflict):
        store.point(upon(first, "v2"), None)
    store.point(upon(first, "v2"), first.etag)
    names = {str(path.relative_to(store.root)) for path in store.root.rglob("*") if path.is_file()}
    assert names == {KEY, CURRENT_KEY, ".current.lock"}


def test_an_invalid_pointer_is_corrupt(tmp_path: Path) -> None:
    bodies = (
        b"",
        b"{}",
        b'{"version": "../../etc"}',
        b'{"version": "v1", "more": 1}',
        b"\xff",
        b'{"version": "v1"}\n \t',
    )
    for body in bodies:
        (tmp_path / CURRENT_KEY).write_bytes(body)
        with pytest.raises(BundleCorrupt):
            DirectoryStore(tmp_path).current()


def test_a_photo_in_place_of_a_store_is_not_found(tmp_path: Path) -> None:
    """`vitrine serve photo.jpg` should say what is missing, not show a stack trace."""
    with pytest.raises(BundleNotFound):
        DirectoryStore(write(tmp_path, b"a photo")).current()
