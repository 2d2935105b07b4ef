"""A cold process opens the index at its first search, and verifies it then."""

from __future__ import annotations

import json
import random
import shutil
import threading
from typing import TYPE_CHECKING

import pytest

from handler import lambda_entry
from handler.errors import BundleCorrupt
from handler.manifest import CATALOG_FILE, INDEX_FILE, bundle_key
from handler.products.deferred_index import DeferredIndex
from handler.stores.store import DirectoryStore
from tests.conftest import KEY, MILVUS
from tests.handler.support import event, send

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from handler.products.neighbors import HnswIndex
    from tests.handler.support import Vectors

pytestmark = pytest.mark.skipif(bool(MILVUS), reason="a bundle in Milvus has no index file")


@pytest.fixture
def cold(bundles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DirectoryStore]:
    """The store of a function that has served nothing yet."""
    store = DirectoryStore(shutil.copytree(bundles, tmp_path / "store"))
    monkeypatch.setenv("VITRINE_BUNDLES", str(store.root))
    monkeypatch.setenv("VITRINE_SIGNING_KEYS", KEY)
    lambda_entry._adapter.cache_clear()
    yield store
    lambda_entry._adapter.cache_clear()


def damage(store: DirectoryStore, name: str) -> bytes:
    """Flip a bit in the middle of a file, and return its content as it was."""
    path = store.root / bundle_key(store.current().version, name)
    content = path.read_bytes()
    middle = len(content) // 2
    path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    return content


def test_a_first_page_reads_no_index_and_the_next_page_verifies_it(cold: DirectoryStore) -> None:
    whole = damage(cold, INDEX_FILE)
    first = send(event("start_session"))
    assert (first.status, len(first.json["items"]), first.json["remaining"]) == (200, 10, 70)
    answer = event("next_page", {"session": first.json["session"], "liked": first.ids[:1]})
    refused = send(answer)
    assert (refused.status, refused.json["code"]) == (503, "bundle_corrupt")
    (cold.root / bundle_key(cold.current().version, INDEX_FILE)).write_bytes(whole)
    following = send(answer)
    assert following.status == 200, "the same process opens the index once it is whole"
    assert not set(following.ids) & set(first.ids)


def test_a_damaged_catalog_shows_no_first_page(cold: DirectoryStore) -> None:
    damage(cold, CATALOG_FILE)
    assert send(event("start_session")).json["code"] == "bundle_corrupt"


def test_a_warm_up_opens_the_index(cold: DirectoryStore) -> None:
    whole = damage(cold, INDEX_FILE)
    warmed = lambda_entry.handler({"source": "aws.events"}, None)  # type: ignore[arg-type]
    assert (warmed["status"], warmed["reason"]) == ("degraded", "bundle_corrupt")
    (cold.root / bundle_key(cold.current().version, INDEX_FILE)).write_bytes(whole)
    warmed = lambda_entry.handler({"source": "aws.events"}, None)  # type: ignore[arg-type]
    assert warmed == json.loads(json.dumps(warmed)) | {"status": "ok", "bundle": cold.current().version}


def test_it_answers_as_the_index_does(few: HnswIndex, few_vectors: Vectors) -> None:
    deferred = DeferredIndex(lambda: few, few.dim, few.everything)
    assert deferred.everything.draw(5, (), random.Random(1)) == few.everything.draw(5, (), random.Random(1))
    query = few_vectors[7]
    assert deferred.nearest(query, 5, excluded={7}) == few.nearest(query, 5, excluded={7})
    labels, vectors = deferred.vectors([3, 999, 4])
    assert labels == [3, 4]
    assert (vectors == few_vectors[[3, 4]]).all()
    assert deferred.nearest(query, 0) == []


def test_nothing_asked_for_opens_nothing(few: HnswIndex) -> None:
    def refuse() -> HnswIndex:
        raise BundleCorrupt("The index was opened.")

    deferred = DeferredIndex(refuse, few.dim, few.everything)
    labels, vectors = deferred.vectors([])
    assert (labels, vectors.shape) == ([], (0, few.dim))
    with pytest.raises(BundleCorrupt):
        deferred.vectors([1])


def test_many_threads_open_it_once(few: HnswIndex, few_vectors: Vectors) -> None:
    opened = []
    barrier = threading.Barrier(8)

    def open_index() -> HnswIndex:
        opened.append(threading.get_ident())
        threading.Event().wait(0.05)
        return few

    deferred = DeferredIndex(open_index, few.dim, few.everything)

    def search() -> None:
        barrier.wait()
        deferred.nearest(few_vectors[0], 1)

    threads = [threading.Thread(target=search) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 1
