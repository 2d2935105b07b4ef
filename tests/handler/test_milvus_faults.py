"""A Milvus server that is slow, gone or only half loaded: bounded waits, honest answers, and no product twice."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from handler import lambda_entry
from handler.milvus.collection import MilvusAddress
from tests.handler.support import event, get, send
from tests.milvus_shop import Shop, serving_from
from tests.tcp_proxy import TcpProxy, tcp_proxy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.handler.support import Answer


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, encoder_directory: Path) -> Shop:
    shop = Shop(tmp_path_factory.mktemp("shop"), encoder_directory)
    assert shop.index().published
    return shop


@pytest.fixture
def proxy(shop: Shop) -> Iterator[TcpProxy]:
    """The server's address, as the handler knows it; requests over it have a second."""
    uri = MilvusAddress.parse(shop.address).uri
    if uri.startswith("/"):
        from milvus_lite.server_manager import server_manager_instance

        uri = server_manager_instance.start_and_get_uri(uri)
    server = urlsplit(uri)
    assert server.hostname is not None
    assert server.port is not None
    with (
        tcp_proxy(server.hostname, server.port) as proxy,
        serving_from(shop, f"milvus+http://127.0.0.1:{proxy.port}"),
    ):
        adapter: Any = lambda_entry._adapter()
        adapter.app.state.runtime.current._milvus.request_seconds = 1
        yield proxy


def start() -> Answer:
    return send(event("start_session", {"seed": "faults"}))


def answer_page(page: dict[str, Any]) -> Answer:
    return send(event("next_page", {"session": page["session"], "liked": [page["items"][0]["id"]]}))


def assert_unavailable(answer: Answer) -> None:
    assert (answer.status, answer.json["code"]) == (503, "index_unavailable")
    assert answer.headers["retry-after"] == "5"


def await_health(status: int = 200) -> Answer:
    """gRPC waits up to a few seconds before it connects again, and a server shows a change within five."""
    for _ in range(80):
        if (answer := send(get("/v1/health"))).status == status:
            return answer
        time.sleep(0.25)
    pytest.fail(f"/v1/health did not answer {status} within 20 seconds")


def assert_goes_on(page: dict[str, Any]) -> None:
    """The same answer, sent again, is followed by ten other products."""
    following = answer_page(page)
    assert following.status == 200
    assert len({item["id"] for item in (*page["items"], *following.json["items"])}) == 20


def test_a_slow_server_is_503_until_it_answers_in_time(proxy: TcpProxy) -> None:
    page = start().json
    proxy.stall()
    assert_unavailable(answer_page(page))
    assert_unavailable(send(get("/v1/health")))
    proxy.resume()
    await_health()
    assert_goes_on(page)


def test_a_server_that_is_down_is_503_until_it_is_back(proxy: TcpProxy) -> None:
    page = start().json
    proxy.hang_up()
    assert_unavailable(answer_page(page))
    assert_unavailable(send(get("/v1/health")))
    proxy.answer_again()
    await_health()
    assert_goes_on(page)


def test_a_process_that_starts_while_the_server_is_down_serves_once_it_is_up(proxy: TcpProxy) -> None:
    proxy.hang_up()
    assert_unavailable(send(get("/v1/health")))
    assert_unavailable(start())
    proxy.answer_again()
    await_health()
    assert_goes_on(start().json)


@pytest.mark.usefixtures("proxy")
def test_a_collection_that_is_not_loaded_is_503_until_it_is(shop: Shop) -> None:
    page = start().json
    assert shop.collections is not None
    collection = shop.manifest().collection
    assert collection is not None
    milvus = shop.collections.milvus
    milvus.client.release_collection(collection.name)
    assert_unavailable(answer_page(page))
    assert_unavailable(send(get("/v1/health")))
    milvus.client.load_collection(collection.name)
    await_health()
    assert_goes_on(page)


@pytest.mark.usefixtures("proxy")
def test_a_collection_that_lacks_rows_is_503(shop: Shop) -> None:
    assert start().status == 200
    assert shop.collections is not None
    collection = shop.manifest().collection
    assert collection is not None
    shop.collections.milvus.client.delete(collection.name, filter="slot == 3")
    assert_unavailable(await_health(503))
