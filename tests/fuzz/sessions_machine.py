"""Sessions that go on while products come, go, get new photos and fields, bundles roll back and the model changes.

A plain model of every session says what each answer must hold: no product twice, none that has gone, photos and fields
as they are now, the exact number that remains, and a documented refusal where a session cannot continue.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.fuzz.changing_shop import ChangingShop
from tests.fuzz.token_checks import entry_point
from tests.handler.support import event, send

if TYPE_CHECKING:
    from tests.handler.support import Answer

MODEL_CHANGED = (409, "session_model_changed")
NOTHING_TO_UNDO = (409, "nothing_to_undo")
UNKNOWN_PRODUCT = (422, "unknown_product")
STRATEGIES = ("mean", "recency", "rocchio", "bayes")
numbers = st.integers(0, 10**6)
counts = st.integers(1, 12)
turns = st.tuples(counts, counts, st.sampled_from(STRATEGIES), st.sets(numbers, max_size=4))

played: Counter[str] = Counter()
"""What all machines of this process did, for the command's report."""


@dataclass
class Session:
    token: str
    vector_space: str
    pages: list[list[str]]
    """The pages that no undo has taken back."""
    seen: set[str] = field(default_factory=set)


class SessionsAcrossChange(RuleBasedStateMachine):
    """`number % len(...)` picks one of several, so that a smaller example stays valid."""

    def __init__(self) -> None:
        super().__init__()
        self._open = ExitStack()
        self.shop = ChangingShop(Path(self._open.enter_context(tempfile.TemporaryDirectory())))
        self.sessions: list[Session] = []
        self.made = 0

    @initialize(count=st.integers(3, 30))
    def opens(self, count: int) -> None:
        self.shop.publish({self._new_product(): (0, 0) for _ in range(count)}, model=0)
        self._open.enter_context(entry_point(self.shop.bundles, VITRINE_REFRESH_SECONDS="0"))

    def teardown(self) -> None:
        self._open.close()

    @rule(each=st.lists(counts, min_size=1, max_size=3))
    def start(self, each: list[int]) -> None:
        for count in each:
            answer = send(event("start_session", {"count": count, "seed": f"{len(self.sessions)}"}))
            session = Session(answer.json["session"], self.shop.now.vector_space, [])
            self.sessions.append(session)
            self._shown(session, answer, count)
            played["sessions"] += 1

    @precondition(lambda self: self.sessions)
    @rule(which=st.lists(numbers, min_size=4, max_size=12), turn=turns)
    def play(self, which: list[int], turn: tuple[int, int, str, set[int]]) -> None:
        for one in which:
            self._next(one, *turn)

    @precondition(lambda self: self.sessions)
    @rule(which=st.lists(numbers, min_size=1, max_size=4))
    def undo(self, which: list[int]) -> None:
        for one in which:
            self._undo(one)

    def _next(self, which: int, count: int, similar: int, strategy: str, likes: set[int]) -> None:
        session, page = self._picked(which)
        liked = sorted({page[one % len(page)] for one in likes} if page else ())
        body = {"liked": liked, "count": count, "similar": min(similar, count), "strategy": strategy}
        answer = self._send(session, "next_page", body)
        if self._refused(session, answer):
            return
        if unknown := {*liked} - self.shop.now.known:  # a rollback to before their time
            assert _refusal(answer) == UNKNOWN_PRODUCT
            assert answer.json["value"] in unknown
            played["refused: unknown_product"] += 1
            answer = self._send(session, "next_page", body | {"liked": []})
        self._shown(session, answer, count)

    def _undo(self, which: int) -> None:
        session, _ = self._picked(which)
        answer = self._send(session, "undo", {})
        if self._refused(session, answer):
            return
        if len(session.pages) < 2:
            assert _refusal(answer) == NOTHING_TO_UNDO
            return
        session.pages.pop()
        assert answer.status == 200, answer.content
        assert answer.ids == [one for one in session.pages[-1] if one in self.shop.now.products]
        session.token = answer.json["session"]
        played["undos"] += 1

    @precondition(lambda self: self.sessions)
    @rule(which=numbers)
    def walk_to_the_end(self, which: int) -> None:
        session, _ = self._picked(which)
        if session.vector_space != self.shop.now.vector_space:
            return
        left = self.shop.now.products.keys() - session.seen
        walked: list[str] = []
        while True:
            answer = self._send(session, "next_page", {"count": 50})
            self._shown(session, answer, 50)
            walked += answer.ids
            if answer.json["remaining"] == 0:
                break
        assert sorted(walked) == sorted(left)
        played["catalogs walked to the end"] += 1

    @rule(
        new=st.integers(0, 8),
        going=st.sets(numbers, max_size=8),
        photos=st.sets(numbers, max_size=4),
        returning=numbers,
    )
    def change_products(self, new: int, going: set[int], photos: set[int], returning: int) -> None:
        products = dict(self.shop.now.products)
        for one in sorted(going):
            if len(products) > 3:
                del products[list(products)[one % len(products)]]
        for one in sorted(photos):
            name = list(products)[one % len(products)]
            photo, written = products[name]
            products[name] = (photo + 1, written) if one % 2 else (photo, written + 1)
        gone = sorted(self.shop.now.known - products.keys())
        if gone and returning % 3 == 0:
            products[gone[returning % len(gone)]] = (returning % 5, 0)
        products |= {self._new_product(): (0, 0) for _ in range(new)}
        self.shop.publish(products, self.shop.now.model)
        played["publishes"] += 1

    @precondition(lambda self: self.shop.versions > 1)
    @rule(which=numbers)
    def roll_back(self, which: int) -> None:
        self.shop.roll_back(which)
        played["rollbacks"] += 1

    @precondition(lambda self: len(self.sessions) > 3)
    @rule(step=st.integers(1, 2))
    def replace_the_model(self, step: int) -> None:
        self.shop.publish(self.shop.now.products, (self.shop.now.model + step) % 3)
        played["models replaced"] += 1

    def _new_product(self) -> str:
        self.made += 1
        return f"p{self.made:04}"

    def _picked(self, which: int) -> tuple[Session, list[str]]:
        session = self.sessions[which % len(self.sessions)]
        return session, session.pages[-1]

    def _send(self, session: Session, name: str, body: dict[str, Any]) -> Answer:
        played["requests"] += 1
        return send(event(name, {"session": session.token, **body}))

    def _refused(self, session: Session, answer: Answer) -> bool:
        """Whether the session belongs to another vector space, which has its documented answer."""
        if session.vector_space == self.shop.now.vector_space:
            return False
        assert _refusal(answer) == MODEL_CHANGED
        played["refused: session_model_changed"] += 1
        return True

    def _shown(self, session: Session, answer: Answer, count: int) -> None:
        assert answer.status == 200, answer.content
        products = self.shop.now.products
        unseen = products.keys() - session.seen
        assert len(answer.ids) == len({*answer.ids}) == min(count, len(unseen))
        assert unseen >= {*answer.ids}
        for item in answer.json["items"]:
            photo, written = products[item["id"]]
            assert item["image_url"].endswith(f"/{item['id']}-{photo}.jpg")
            assert item["fields"] == {"written": written}
        session.seen |= {*answer.ids}
        session.pages.append(answer.ids)
        session.token = answer.json["session"]
        assert answer.json["remaining"] == len(products.keys() - session.seen)
        assert answer.json["round"] == len(session.pages)
        played["rounds"] += 1


def _refusal(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["code"]
