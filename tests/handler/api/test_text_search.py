"""Words find products by their text and by their looks, and count as a fading like in a session."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import pytest

from export.bundle.update_bundle import read_base
from handler import lambda_entry
from handler.stores.store import DirectoryStore
from tests.conftest import KEY, draw_photos, run_index
from tests.crafted_bundles import overwrite_manifest
from tests.handler.api.test_problems import assert_problem
from tests.handler.support import Answer, event, get, send

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("gateway")


def search(text: str, **fields: Any) -> Answer:
    return send(event("search_text", {"text": text, **fields}))


def search_by_get(**parameters: object) -> Answer:
    return send(get(f"/v1/search/text?{urlencode(parameters)}"))


def next_page(token: str, **answer: Any) -> dict[str, Any]:
    page: dict[str, Any] = send(event("next_page", {"session": token, **answer})).json
    return page


def colours(page: dict[str, Any], reason: str) -> set[str]:
    return {item["fields"]["colour"] for item in page["items"] if item["reason"] == reason}


def test_words_find_products_and_both_methods_agree() -> None:
    posted = search("red 7", count=4)
    assert posted.status == 200
    assert posted.ids[0] == "red-07"
    assert [(item["reason"], item["because"]) for item in posted.json["items"]] == [("searched", [])] * 4
    scores = [item["score"] for item in posted.json["items"]]
    assert scores == sorted(scores, reverse=True)
    assert posted.headers["cache-control"] == "no-store"
    read = search_by_get(text="red 7", count=4)
    assert read.json == posted.json
    assert read.headers["cache-control"] == "public, max-age=60"
    assert len(search("red").ids) == 10


def test_filters_and_words_combine_in_both_methods() -> None:
    wanted = {"price": {"lt": 15}, "in_stock": True}
    posted = search("sand", filter=wanted, count=50)
    assert {item["fields"]["in_stock"] for item in posted.json["items"]} == {True}
    assert all(item["fields"]["price"] < 15 for item in posted.json["items"])
    assert sorted(posted.ids[:4]) == [f"sand-0{number}" for number in (1, 2, 3, 4)]
    assert search_by_get(text="sand", filter=json.dumps(wanted), count=50).json == posted.json
    assert search("sand", filter={"colour": "no such"}).ids == []


def test_words_that_nothing_has_find_nothing() -> None:
    assert search("zeppelin").ids == []


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"text": ""}, {"code": "invalid_request", "field": "text", "limit": 1}),
        ({"text": "!?"}, {"code": "invalid_request", "field": "text", "value": "!?"}),
        ({"text": "x" * 201}, {"code": "invalid_request", "field": "text", "limit": 200}),
        ({"text": " ".join(map(str, range(13)))}, {"code": "invalid_request", "field": "text", "limit": 12}),
        ({"text": "red", "count": 51}, {"code": "invalid_request", "field": "count", "limit": 50}),
        ({"text": "red", "filter": {"size": "M"}}, {"code": "invalid_filter", "field": "filter.size"}),
    ],
)
def test_what_cannot_be_searched_for_is_refused_alike_in_both_methods(
    fields: dict[str, Any], expected: dict[str, Any]
) -> None:
    parameters = {name: json.dumps(one) if name == "filter" else one for name, one in fields.items()}
    for answer in (search(**fields), search_by_get(**parameters)):
        document = assert_problem(answer, 422)
        assert {key: document.get(key) for key in expected} == expected


@pytest.mark.parametrize("given", ["{", "[]", '{"price": {"lt": "many"}}', "red"])
def test_a_filter_in_the_address_must_be_json(given: str) -> None:
    document = assert_problem(search_by_get(text="red", filter=given), 422)
    assert document["field"] == "filter"
    assert "JSON" in document["remedy"]


def test_a_surrogate_half_is_no_letter() -> None:
    answer = send({**event("search_text"), "body": '{"text": "red \\ud800"}', "isBase64Encoded": False})
    assert answer.status in (200, 422)
    assert send(get(f"/v1/search/text?text={quote('red')}%ED%A0%80")).status == 200


def test_a_method_that_the_path_lacks_is_told_both_that_it_has() -> None:
    wrong = event("search_text")
    wrong["requestContext"]["http"]["method"] = "PUT"
    answer = send(wrong)
    assert_problem(answer, 405)
    assert answer.headers["allow"] == "GET, POST"


def test_fields_of_a_session_need_a_session() -> None:
    document = assert_problem(search("red", liked=["red-00"]), 422)
    assert (document["field"], document["code"]) == ("liked", "invalid_request")


def test_in_a_session_the_words_begin_the_next_page_and_fade() -> None:
    first = send(event("start_session", {"seed": "words"})).json
    assert first["searched"] is None
    page = search("red", session=first["session"]).json
    assert [item["reason"] for item in page["items"]] == ["searched"] * 5 + ["random"] * 5
    assert (page["round"], page["searched"], page["remaining"]) == (2, "red", 60)
    assert colours(page, "searched") == {"red"}
    assert not {item["id"] for item in page["items"]} & {item["id"] for item in first["items"]}
    # Nothing is liked: the page after it follows the words alone.
    page = next_page(page["session"])
    assert page["searched"] == "red"
    assert colours(page, "searched") == {"red"}
    # A few blue likes outweigh them.
    blue = [item["id"] for item in page["items"] if item["fields"]["colour"] == "blue"]
    page = next_page(page["session"], liked=blue)
    page = next_page(page["session"], liked=[item["id"] for item in page["items"] if item["id"].startswith("blue")])
    assert colours(page, "similar") == {"blue"}
    assert all(item["because"] for item in page["items"] if item["reason"] == "similar")
    assert page["searched"] == "red"


@pytest.mark.parametrize("strategy", ["mean", "recency", "rocchio", "bayes"])
def test_every_strategy_follows_the_words(strategy: str) -> None:
    first = send(event("start_session", {"seed": strategy})).json
    page = search("green", session=first["session"], similar=3, count=6, strategy=strategy).json
    assert [item["reason"] for item in page["items"]][:3] == ["searched"] * 3
    page = next_page(page["session"], strategy=strategy)
    assert colours(page, "searched") == {"green"}


def test_the_same_search_with_the_same_token_gives_the_same_page() -> None:
    token = send(event("start_session")).json["session"]
    assert search("red", session=token).json["items"] == search("red", session=token).json["items"]


def test_an_undo_takes_the_words_back_and_a_new_search_replaces_them() -> None:
    first = send(event("start_session", {"seed": "undo words"})).json
    red = search("red", session=first["session"]).json
    blue = search("blue", session=red["session"]).json
    assert blue["searched"] == "blue"
    assert colours(next_page(blue["session"]), "searched") == {"blue"}
    back = send(event("undo", {"session": blue["session"]})).json
    assert back["searched"] == "red"
    assert colours(next_page(back["session"]), "searched") == {"red"}
    start = send(event("undo", {"session": back["session"]})).json
    assert start["searched"] is None
    assert {item["reason"] for item in next_page(start["session"])["items"]} == {"random"}


def test_a_search_that_finds_nothing_new_leaves_the_session_where_it_was() -> None:
    token = send(event("start_session")).json["session"]
    document = assert_problem(search("zeppelin", session=token), 404)
    assert (document["code"], document["field"], document["value"]) == ("nothing_found", "text", "zeppelin")
    assert_problem(search("red", session=token, filter={"colour": "no such"}), 404)
    assert next_page(token)["round"] == 2


def test_a_token_remembers_whole_words_and_little_of_them() -> None:
    token = send(event("start_session", {"seed": "long"})).json["session"]
    long = search("red " + "and more words that no product has", session=token).json
    short = search("red", session=token).json
    assert long["searched"] == "red and more words that no"
    assert len(long["session"]) - len(short["session"]) < 60
    plain = next_page(token)
    assert len(long["session"]) - len(plain["session"]) <= 60


def test_a_session_that_searched_continues_on_a_bundle_that_cannot(
    photos: Path, encoder_directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_index(photos / "catalog.jsonl", tmp_path, encoder_directory)
    monkeypatch.setenv("VITRINE_BUNDLES", str(tmp_path))
    lambda_entry._adapter.cache_clear()
    token = search("red", session=send(event("start_session")).json["session"]).json["session"]
    _forget_text_index(tmp_path)
    lambda_entry._adapter.cache_clear()
    page = next_page(token)
    assert (page["round"], page["searched"]) == (3, "red")
    assert {item["reason"] for item in page["items"]} == {"random"}
    lambda_entry._adapter.cache_clear()


def _forget_text_index(store: Path) -> None:
    """Make the current bundle one that was written before there was text search."""
    published = DirectoryStore(store)
    manifest = read_base(published).manifest
    assert manifest is not None
    overwrite_manifest(published, manifest.version, catalog=manifest.catalog.model_copy(update={"tokenizer": None}))


@pytest.fixture
def older_shop(tmp_path: Path, encoder_directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A bundle as it was written before there was text search."""
    photos = draw_photos(tmp_path / "photos", per_colour=4)
    store = tmp_path / "bundles"
    run_index(photos / "catalog.jsonl", store, encoder_directory)
    _forget_text_index(store)
    monkeypatch.setenv("VITRINE_BUNDLES", str(store))
    monkeypatch.setenv("VITRINE_SIGNING_KEYS", KEY)
    lambda_entry._adapter.cache_clear()
    yield
    lambda_entry._adapter.cache_clear()


@pytest.mark.usefixtures("older_shop")
def test_an_older_bundle_serves_pages_and_says_that_it_cannot_search() -> None:
    assert send(get("/v1/bundle")).json["text_search"] is False
    token = send(event("start_session")).json["session"]
    for answer in (search("red"), search_by_get(text="red"), search("red", session=token)):
        document = assert_problem(answer, 409)
        assert document["code"] == "text_search_unavailable"
        assert "vitrine index" in document["remedy"]
