"""Bundles whose products are in Milvus: published, served through the entry point, rolled back, pruned."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from export.store.collections import Collections
from export.store.prune import delete, find_waste
from export.store.rollback import roll_back
from handler import lambda_entry
from handler.errors import ConfigurationError, IndexUnavailable
from handler.milvus.client import Milvus
from handler.open_bundle import OpenBundle
from handler.recommend.strategies import STRATEGIES
from tests.handler.photo_files import as_form
from tests.handler.support import event, get, send
from tests.milvus_shop import Shop, serving_from

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory, encoder_directory: Path) -> Shop:
    """One for the tests that change nothing: a server takes seconds to index and load a collection."""
    shop = Shop(tmp_path_factory.mktemp("shop"), encoder_directory)
    assert shop.index().published
    return shop


@pytest.fixture
def shop(tmp_path: Path, encoder_directory: Path) -> Shop:
    shop = Shop(tmp_path, encoder_directory)
    assert shop.index().published
    return shop


@pytest.fixture
def lasting_gateway(lasting: Shop) -> Iterator[None]:
    with serving_from(lasting):
        yield


@pytest.fixture
def gateway(shop: Shop) -> Iterator[None]:
    with serving_from(shop):
        yield


def play(page: dict[str, Any], liked: list[str], **more: Any) -> dict[str, Any]:
    answer = send(event("next_page", {"session": page["session"], "liked": liked, **more}))
    assert answer.status == 200, answer.content
    return answer.json


def test_the_bundle_holds_no_index_and_a_second_run_changes_nothing(lasting: Shop) -> None:
    manifest = lasting.manifest()
    assert "index.hnsw" not in manifest.files
    assert manifest.collection is not None
    assert manifest.index.recall.value >= 0.99
    assert not lasting.index().published


@pytest.mark.usefixtures("lasting_gateway")
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_session_walks_the_whole_catalog_and_repeats_nothing(strategy: str) -> None:
    page = send(event("start_session", {"strategy": strategy, "seed": "walk"})).json
    shown = [item["id"] for item in page["items"]]
    while page["remaining"]:
        page = play(page, [page["items"][0]["id"]], strategy=strategy)
        shown += [item["id"] for item in page["items"]]
    assert len(shown) == len(set(shown)) == 80


@pytest.mark.usefixtures("lasting_gateway")
def test_every_route_answers() -> None:
    first = send(event("start_session", {"seed": "routes", "filter": {"colour": "red"}})).json
    assert {item["fields"]["colour"] for item in first["items"]} == {"red"}
    assert first["remaining"] == 10
    second = play(first, [first["items"][0]["id"]], filter={"price": {"lt": 15}, "in_stock": True})
    assert all(item["fields"]["price"] < 15 and item["fields"]["in_stock"] for item in second["items"])
    undone = send(event("undo", {"session": second["session"]})).json
    assert [item["id"] for item in undone["items"]] == [item["id"] for item in first["items"]]
    assert send(event("show_page", {"session": undone["session"]})).status == 200
    similar = send(get("/v1/items/green-03/similar?count=5"))
    assert len(similar.ids) == 5
    assert "green-03" not in similar.ids
    assert send(get("/v1/items/nothing")).json["code"] == "unknown_product"
    assert send(get("/v1/health")).json["status"] == "ok"


@pytest.mark.usefixtures("lasting_gateway")
def test_a_products_own_photo_finds_it_first(lasting: Shop) -> None:
    answer = send(as_form((lasting.photos / "red" / "03.jpg").read_bytes(), ("count", "3")))
    assert answer.ids[0] == "red-03"


@pytest.mark.usefixtures("gateway")
def test_sessions_continue_across_a_new_collection(shop: Shop) -> None:
    first = send(event("start_session", {"seed": "across"})).json
    liked = first["items"][0]["id"]
    gone = first["items"][1]["id"]
    before = shop.manifest()
    shop.remove(gone)
    assert shop.index().removed == 1
    assert shop.manifest().collection != before.collection
    # The liked product stays, and one that is gone can still be answered about: its label is retired, not forgotten.
    page = play(first, [liked], disliked=[gone])
    shown = {item["id"] for item in first["items"]}
    assert not shown & {item["id"] for item in page["items"]}
    assert page["remaining"] == 79 - 9 - 10


@pytest.mark.usefixtures("gateway")
def test_rollback_serves_the_earlier_collection(shop: Shop) -> None:
    shop.remove("red-00")
    shop.index()
    assert send(get("/v1/items/red-00")).status == 404
    roll_back(shop.store)
    assert send(get("/v1/items/red-00")).status == 200


def test_prune_drops_the_collections_of_deleted_bundles_and_no_others(shop: Shop) -> None:
    first = shop.manifest().collection
    shop.remove("red-00")
    shop.index()
    shop.remove("red-01")
    shop.index()
    foreign = Collections(shop.collections.milvus, "s3://another/shop")
    assert foreign.unused((), datetime.now(UTC) + timedelta(days=2)) == []
    later = datetime.now(UTC) + timedelta(days=2)
    waste = find_waste(shop.store, keep=1, now=later, collections=shop.collections)
    delete(shop.store, waste, shop.store.current().version, shop.collections)
    left = [name for name in shop.collections.milvus.collections() if name.startswith(shop.collections._prefix)]
    current = shop.manifest().collection
    assert first is not None
    assert current is not None
    assert set(left) == {current.name, current.name + "_retired"}


@pytest.mark.usefixtures("gateway")
def test_a_server_that_is_gone_is_503_with_retry_after(shop: Shop) -> None:
    page = send(event("start_session", {"seed": "gone"})).json
    collection = shop.manifest().collection
    assert collection is not None
    shop.collections.milvus.drop(collection.name)
    answer = send(event("next_page", {"session": page["session"], "liked": [page["items"][0]["id"]]}))
    assert (answer.status, answer.json["code"]) == (503, "index_unavailable")
    assert answer.headers["retry-after"] == "5"


@pytest.mark.usefixtures("gateway")
def test_a_shop_moves_from_milvus_to_files_and_its_sessions_continue(shop: Shop) -> None:
    first = send(event("start_session", {"seed": "move"})).json
    collections, shop.collections = shop.collections, None
    assert shop.index().published
    assert "index.hnsw" in shop.manifest().files
    second = play(first, [first["items"][0]["id"]])
    shop.collections = collections
    assert shop.index().published
    third = play(second, [second["items"][0]["id"]])
    shown = [item["id"] for page in (first, second, third) for item in page["items"]]
    assert len(set(shown)) == 30


def test_a_server_that_cannot_be_reached_is_index_unavailable() -> None:
    with pytest.raises(IndexUnavailable, match=r"milvus\+http://127.0.0.1:9 does not answer"):
        Milvus("milvus+http://127.0.0.1:9").count("vitrine_shop")


def test_a_handler_without_the_servers_address_says_so(lasting: Shop) -> None:
    with pytest.raises(ConfigurationError, match="VITRINE_INDEX is not set"):
        OpenBundle(lasting.store, lasting.store.current().version)


@pytest.mark.usefixtures("lasting_gateway")
def test_words_find_what_looks_like_them() -> None:
    """A server has no text index; what the shop's words look like was learnt from its text and photos."""
    assert send(get("/v1/bundle")).json["text_search"]
    found = send(get("/v1/search/text?text=Red&count=5")).json["items"]
    assert [item["fields"]["colour"] for item in found] == ["red"] * 5
    first = send(event("start_session", {"seed": "words"})).json
    page = send(event("search_text", {"session": first["session"], "text": "green", "similar": 4})).json
    searched = [item["fields"]["colour"] for item in page["items"] if item["reason"] == "searched"]
    assert len(searched) >= 4
    assert set(searched) == {"green"}
    assert send(get("/v1/search/text?text=chandelier")).json["items"] == []


@pytest.mark.usefixtures("lasting_gateway")
def test_a_page_takes_two_requests_and_three_in_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    for name in ("search", "query", "count"):
        method = getattr(Milvus, name)
        monkeypatch.setattr(Milvus, name, counting(asked, name, method))
    page = play(send(event("start_session", {"seed": "requests"})).json, [])
    asked.clear()
    page = play(page, [page["items"][0]["id"]])
    assert asked == ["search", "query"]
    lambda_entry._adapter.cache_clear()  # as another process would start
    send(event("start_session", {"seed": "others"}))
    asked.clear()
    play(page, [page["items"][0]["id"]])
    assert asked == ["query", "search", "query"]


def counting(asked: list[str], name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    def counted(*args: Any, **kwargs: Any) -> Any:
        asked.append(name)
        return method(*args, **kwargs)

    return counted
