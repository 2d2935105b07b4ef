"""A whole session, whatever the shopper does: nothing twice, pages full, counts true, retries equal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as examples
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from handler.errors import (
    ContradictoryAnswer,
    InvalidRequest,
    NothingFound,
    NothingToUndo,
    NotShown,
    UnknownAnswer,
)
from handler.pages import continue_session, search_text, start_session, undo
from handler.recommend.strategies import STRATEGIES
from handler.schemas import NextPage, StartSession, TextSearch, Undo
from tests.conftest import COLOURS, PER_COLOUR

if TYPE_CHECKING:
    from collections.abc import Callable

    from handler.runtime import Runtime
    from handler.schemas import Page

PRODUCTS = {
    f"{colour}-{number:02}": {"colour": colour, "price": 10.0 + number, "in_stock": number % 5 != 0}
    for colour in COLOURS
    for number in range(PER_COLOUR)
}
FILTERS: list[tuple[dict[str, Any] | None, Callable[[dict[str, Any]], bool]]] = [
    (None, lambda _: True),
    ({"colour": "red"}, lambda p: p["colour"] == "red"),
    ({"colour": ["red", "sand"], "in_stock": True}, lambda p: p["colour"] in ("red", "sand") and p["in_stock"]),
    ({"price": {"lt": 13}}, lambda p: p["price"] < 13),
    ({"colour": "no such"}, lambda _: False),
]


def seen_by_client(page: Page) -> dict[str, Any]:
    """What the JSON of a page says, without the token, which names the second it was issued in."""
    return {name: value for name, value in orjson.loads(orjson.dumps(page)).items() if name != "session"}


class Shopper(RuleBasedStateMachine):
    """Keeps its own account of what was shown and compares."""

    runtime: Runtime

    @initialize(seed=st.text("abc"), count=st.integers(1, 25), wanted=st.sampled_from(FILTERS))
    def start(self, seed: str, count: int, wanted: Any) -> None:
        self.seen: set[str] = set()
        self.answers: dict[str, str] = {}
        self.history: list[list[str]] = []
        page = start_session(self.runtime.serving(), StartSession(count=count, filter=wanted[0], seed=seed))
        self.account(page, count, wanted[1])

    @rule(
        data=st.data(),
        count=st.integers(1, 25),
        wanted=st.sampled_from(FILTERS),
        strategy=st.sampled_from(sorted(STRATEGIES)),
    )
    def next(self, data: st.DataObject, count: int, wanted: Any, strategy: str) -> None:
        shown = sorted(self.seen)
        signs = (
            data.draw(st.dictionaries(st.sampled_from(shown), st.sampled_from(["liked", "disliked"]), max_size=6))
            if shown
            else {}
        )
        signs = {name: self.answers.get(name, sign) for name, sign in signs.items()}
        request = NextPage(
            session=self.session,
            liked=[name for name, sign in signs.items() if sign == "liked"],
            disliked=[name for name, sign in signs.items() if sign == "disliked"],
            count=count,
            similar=data.draw(st.integers(0, count)),
            filter=wanted[0],
            strategy=strategy,
        )
        page = continue_session(self.runtime.serving(), request)
        retried = continue_session(self.runtime.serving(), request)
        assert seen_by_client(retried) == seen_by_client(page)
        self.answered.append({name: sign for name, sign in signs.items() if name not in self.answers})
        self.answers |= signs
        self.account(page, count, wanted[1])

    @rule(
        text=st.sampled_from(["red", "sand 1", "no", "bluish"]),
        count=st.integers(1, 25),
        wanted=st.sampled_from(FILTERS),
        strategy=st.sampled_from(sorted(STRATEGIES)),
        share=st.floats(0, 1),
    )
    def search(self, text: str, count: int, wanted: Any, strategy: str, share: float) -> None:
        similar = int(share * count)
        request = TextSearch(
            session=self.session, text=text, count=count, similar=similar, filter=wanted[0], strategy=strategy
        )
        try:
            page = search_text(self.runtime.serving(), request)
        except NothingFound:
            assert text == "bluish" or not any(map(wanted[1], (PRODUCTS[name] for name in PRODUCTS.keys() - self.seen)))
            return
        assert page["searched"] == text
        assert sum(item["reason"] == "searched" for item in page["items"]) >= min(similar, 1)
        self.answered.append({})
        self.account(page, count, wanted[1])

    @precondition(lambda self: len(self.history) > 1)
    @rule()
    def undo(self) -> None:
        page = undo(self.runtime.serving(), Undo(session=self.session))
        self.history.pop()
        for name in self.answered.pop():
            del self.answers[name]
        assert [item["id"] for item in page["items"]] == self.history[-1]
        assert page["remaining"] == len(PRODUCTS) - len(self.seen)
        assert page["round"] == len(self.history)
        self.session = page["session"]

    @precondition(lambda self: len(self.history) == 1)
    @rule()
    def undo_too_much(self) -> None:
        with pytest.raises(NothingToUndo):
            undo(self.runtime.serving(), Undo(session=self.session))

    def account(self, page: Page, count: int, passes: Callable[[dict[str, Any]], bool]) -> None:
        ids = [item["id"] for item in page["items"]]
        left = {name for name, fields in PRODUCTS.items() if passes(fields)} - self.seen
        assert len(ids) == len(set(ids)) == min(count, len(left))
        assert set(ids) <= left
        assert page["remaining"] == len(left) - len(ids)
        liked = {name for name, sign in self.answers.items() if sign == "liked"}
        assert all(set(item["because"]) <= liked for item in page["items"])
        if not self.history:
            self.answered: list[dict[str, str]] = []
        self.history.append(ids)
        assert page["round"] == len(self.history)
        self.seen |= set(ids)
        self.session = page["session"]


def test_no_product_is_shown_twice_in_any_session(runtime: Runtime) -> None:
    class Here(Shopper):
        pass

    Here.runtime = runtime
    run_state_machine_as_test(
        Here,
        settings=examples(
            max_examples=50, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


def walk(runtime: Runtime, **options: Any) -> list[Page]:
    """A shopper who likes the first item of each page, until there is nothing more."""
    pages = [start_session(runtime.serving(), StartSession(seed="walk"))]
    while pages[-1]["remaining"]:
        liked = [item["id"] for item in pages[-1]["items"][:1]]
        request = NextPage(session=pages[-1]["session"], liked=liked, **options)
        pages.append(continue_session(runtime.serving(), request))
    return pages


@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
@pytest.mark.parametrize("count", [7, 10, 50])
def test_a_session_walks_the_whole_catalog_once_and_then_ends(runtime: Runtime, count: int, strategy: str) -> None:
    pages = walk(runtime, count=count, strategy=strategy)
    shown = [item["id"] for page in pages for item in page["items"]]
    assert sorted(shown) == sorted(PRODUCTS)
    for _ in range(3):
        done = continue_session(
            runtime.serving(), NextPage(session=pages[-1]["session"], liked=shown[-1:], count=count)
        )
        assert (done["items"], done["remaining"]) == ([], 0)
        pages.append(done)
    back = undo(runtime.serving(), Undo(session=pages[-3]["session"]))
    assert [item["id"] for item in back["items"]] == [item["id"] for item in pages[-4]["items"]]


def test_taste_is_followed(runtime: Runtime) -> None:
    """A shopper who likes every red product sees mostly red among the similar ones."""
    page = start_session(runtime.serving(), StartSession(count=20, seed="red"))
    request = NextPage(
        session=page["session"], liked=[item["id"] for item in page["items"] if item["id"].startswith("red")]
    )
    similar = [item for item in continue_session(runtime.serving(), request)["items"] if item["reason"] == "similar"]
    assert len(similar) == 5
    assert sum(item["id"].startswith("red") for item in similar) >= 4


@pytest.mark.parametrize(
    ("answer", "error", "field"),
    [
        ({"liked": ["nobody"]}, UnknownAnswer, "liked"),
        ({"disliked": ["nobody"]}, UnknownAnswer, "disliked"),
        ({"liked": ["UNSEEN"]}, NotShown, "liked"),
        ({"liked": ["SEEN"], "disliked": ["SEEN"]}, ContradictoryAnswer, "liked"),
        ({"similar": 11}, InvalidRequest, "similar"),
        ({"strategy": "magic"}, InvalidRequest, "strategy"),
    ],
)
def test_an_answer_that_cannot_be_is_refused_by_name(
    runtime: Runtime, answer: dict[str, Any], error: type[InvalidRequest], field: str
) -> None:
    page = start_session(runtime.serving(), StartSession())
    shown = {item["id"] for item in page["items"]}
    names = {"SEEN": min(shown), "UNSEEN": min(set(PRODUCTS) - shown)}
    body = {
        key: [names.get(one, one) for one in value] if isinstance(value, list) else value
        for key, value in answer.items()
    }
    with pytest.raises(error) as caught:
        continue_session(runtime.serving(), NextPage(session=page["session"], **body))
    assert caught.value.field == field
    assert caught.value.value in (*names.values(), "nobody", 11, "magic")


@pytest.mark.parametrize(("first", "then"), [("liked", "disliked"), ("disliked", "liked")])
def test_an_answer_cannot_be_reversed_without_an_undo(runtime: Runtime, first: str, then: str) -> None:
    page = start_session(runtime.serving(), StartSession())
    name = page["items"][0]["id"]
    answered = continue_session(runtime.serving(), NextPage(session=page["session"], **{first: [name]}))
    with pytest.raises(ContradictoryAnswer, match="undo") as caught:
        continue_session(runtime.serving(), NextPage(session=answered["session"], **{then: [name]}))
    assert caught.value.field == then
    back = undo(runtime.serving(), Undo(session=answered["session"]))
    continue_session(runtime.serving(), NextPage(session=back["session"], **{then: [name]}))


def test_saying_a_like_again_changes_nothing(runtime: Runtime) -> None:
    page = start_session(runtime.serving(), StartSession())
    name = page["items"][0]["id"]
    once = continue_session(runtime.serving(), NextPage(session=page["session"], liked=[name]))
    twice = continue_session(runtime.serving(), NextPage(session=page["session"], liked=[name, name]))
    assert seen_by_client(once) == seen_by_client(twice)
    again = continue_session(runtime.serving(), NextPage(session=once["session"], liked=[name]))
    silent = continue_session(runtime.serving(), NextPage(session=once["session"]))
    assert seen_by_client(again) == seen_by_client(silent)
