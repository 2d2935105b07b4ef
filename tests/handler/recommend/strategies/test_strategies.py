"""Each strategy ranks as its source says, computed here by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from handler.products.engine import Neighbor
from handler.recommend.strategies import STRATEGIES
from handler.recommend.strategies.evidence import PAGES_USED
from handler.recommend.strategies.likelihood import NOTHING_CLOSE, TAU
from handler.sessions.preference import Preference
from handler.sessions.state import SessionState
from tests.handler.support import VECTOR_SPACE, nearest_by_hand

if TYPE_CHECKING:
    from handler.products.neighbors import HnswIndex
    from tests.handler.support import Vectors

EVERY = list(range(300))
Answers = list[tuple[list[int], list[int], list[int]]]


def play(few: HnswIndex, pages: Answers) -> SessionState:
    """A session that was shown these pages and gave these (liked, disliked) answers."""
    state = SessionState(b"session!", VECTOR_SPACE)
    for shown, liked, disliked in pages:
        state = state.show(shown).answer(liked, disliked, few)
    return state


def rank(name: str, state: SessionState, few: HnswIndex, count: int = 10) -> list[Neighbor]:
    ranked = STRATEGIES[name].rank(state, few, count, None)
    return [Neighbor(*pair) for pair in zip(ranked.labels, ranked.scores, strict=True)]


@st.composite
def histories(draw: st.DrawFn) -> Answers:
    """One to five pages of ten, each with up to three likes and two dislikes, none of them for both."""
    order = draw(st.permutations(EVERY))
    pages = []
    for number in range(draw(st.integers(1, 5))):
        shown = list(order[10 * number : 10 * number + 10])
        answered = draw(st.lists(st.sampled_from(shown), max_size=5, unique=True))
        pages.append((shown, answered[:3], answered[3:]))
    return pages


def posterior_by_hand(pages: Answers, vectors: Vectors) -> np.ndarray:
    """Every product's probability, with no candidates left out and one answer after the other."""
    log_posterior = np.zeros(len(vectors))
    for shown, liked, disliked in pages:
        utility = vectors.astype(np.float64) @ vectors[shown].astype(np.float64).T / TAU
        if not liked and not disliked:
            nothing = np.full((len(vectors), 1), NOTHING_CLOSE / TAU)
            utility = np.hstack([utility, nothing])
            log_posterior += nothing[:, 0] - np.log(np.exp(utility).sum(axis=1))
        choice = np.exp(utility) / np.exp(utility).sum(axis=1, keepdims=True)
        for label in liked:
            log_posterior += np.log(choice[:, shown.index(label)])
        for label in disliked:
            log_posterior += np.log1p(-choice[:, shown.index(label)])
    log_posterior[[label for shown, _, _ in pages for label in shown]] = -np.inf
    posterior = np.exp(log_posterior - log_posterior.max())
    return posterior / posterior.sum()


@examples(deadline=None, max_examples=60)
@given(pages=histories())
def test_bayes_ranks_by_the_posterior_that_the_answers_give(
    few: HnswIndex, few_vectors: Vectors, pages: Answers
) -> None:
    ranked = rank("bayes", play(few, pages), few, count=300)
    by_hand = posterior_by_hand(pages, few_vectors)
    assert not {neighbor.label for neighbor in ranked} & {label for shown, _, _ in pages for label in shown}
    scores = np.asarray([neighbor.score for neighbor in ranked])
    expected = by_hand[[neighbor.label for neighbor in ranked]]
    np.testing.assert_allclose(scores, expected / expected.sum(), rtol=2e-2, atol=1e-6)
    assert (np.diff(scores) <= 1e-7).all()


def test_bayes_candidates_contain_the_top_of_the_full_posterior(few: HnswIndex, few_vectors: Vectors) -> None:
    """The first-order query must not lose the answer that the exact posterior would give."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        shown = rng.permutation(300)[:40].tolist()
        pages: Answers = [(shown[n : n + 10], [shown[n]], []) for n in range(0, 40, 10)]
        best = int(posterior_by_hand(pages, few_vectors).argmax())
        assert rank("bayes", play(few, pages), few)[0].label == best


def test_products_that_left_the_catalog_are_no_evidence_for_bayes(few: HnswIndex) -> None:
    gone = [9_997, 9_998, 9_999]
    before = play(few, [([1, gone[0], 2, 3], [1], []), ([4, 5, gone[1], 6], [], [5]), ([gone[2]], [], [])])
    after = play(few, [([1, 2, 3], [1], []), ([4, 5, 6], [], [5])])
    assert rank("bayes", before, few) == rank("bayes", after, few)


def test_passing_over_a_page_moves_bayes_away_from_it(few: HnswIndex, few_vectors: Vectors) -> None:
    """A shopper who says "none of these" must not get more of these."""
    near = nearest_by_hand(few_vectors[0], few_vectors, EVERY, set(EVERY), 10)
    after = rank("bayes", play(few, [(near, [], [])]), few)
    closeness = few_vectors[[neighbor.label for neighbor in after]] @ few_vectors[0]
    assert closeness.mean() < (few_vectors @ few_vectors[0]).mean()


def test_bayes_follows_a_photo_that_no_page_showed(few: HnswIndex, few_vectors: Vectors) -> None:
    """An uploaded photo lives in the preference alone."""
    photo = few_vectors[200]
    state = SessionState(b"session!", VECTOR_SPACE, preference=Preference(photo, 1)).show([1, 2, 3])
    assert rank("bayes", state.answer([], [], few), few)[0].label == 200


@examples(deadline=None, max_examples=60)
@given(pages=histories())
def test_rocchio_moves_from_passed_over_products_towards_likes(
    few: HnswIndex, few_vectors: Vectors, pages: Answers
) -> None:
    liked = [label for _, likes, _ in pages for label in likes]
    others = [label for shown, _, dislikes in pages for label in (*shown, *dislikes) if label not in liked]
    ranked = rank("rocchio", play(few, pages), few)
    if not liked:
        assert ranked == []
        return
    query = few_vectors[liked].mean(axis=0) - few_vectors[others].mean(axis=0)
    unseen = set(EVERY) - {label for shown, _, _ in pages for label in shown}
    best = nearest_by_hand(query, few_vectors, EVERY, unseen, 10)
    np.testing.assert_allclose([neighbor.score for neighbor in ranked], few_vectors[best] @ query, atol=1e-4)


def test_recency_is_the_pairwise_average_of_the_articles_code(few: HnswIndex, few_vectors: Vectors) -> None:
    state = play(few, [([1, 2], [1], []), ([3, 4], [3], []), ([5, 6], [5], [])])
    query = ((few_vectors[1] + few_vectors[3]) / 2 + few_vectors[5]) / 2
    best = nearest_by_hand(query, few_vectors, EVERY, set(EVERY) - {1, 2, 3, 4, 5, 6}, 10)
    assert [neighbor.label for neighbor in rank("recency", state, few)] == best


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_nothing_is_ranked_while_nothing_is_known(few: HnswIndex, name: str) -> None:
    assert rank(name, SessionState(b"session!", VECTOR_SPACE), few) == []


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_a_liked_photo_counts_in_every_strategy(few: HnswIndex, few_vectors: Vectors, name: str) -> None:
    """A photo is no product: only its vector says what it looks like."""
    state = SessionState(b"session!", VECTOR_SPACE).show([1, 2, 3]).answer([], [], few).like_photo(few_vectors[200])
    assert rank(name, state, few)[0].label == 200


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_an_undone_answer_leaves_no_trace_but_the_seen_page(few: HnswIndex, name: str) -> None:
    once = play(few, [([1, 2, 3], [1], [])])
    undone = once.show([4, 5, 6]).answer([5], [6], few).show([7, 8, 9]).undo(few).answer([], [], few)
    direct = play(few, [([1, 2, 3], [1], []), ([4, 5, 6], [], [])])
    unseen = {7, 8, 9}
    got = [neighbor.label for neighbor in rank(name, undone, few)]
    expected = [neighbor.label for neighbor in rank(name, direct, few, 13) if neighbor.label not in unseen]
    assert got == expected[:10]


def test_a_long_session_weighs_its_latest_pages(few: HnswIndex) -> None:
    """A round's cost has to stop growing; what is beyond the memory changes nothing."""
    old = [([250 + n, 275 + n], [250 + n], []) for n in range(3)]
    recent = [([2 * n, 2 * n + 1], [2 * n], []) for n in range(PAGES_USED)]
    seen_only = [([*shown], [], []) for shown, _, _ in old]
    labels = [[n.label for n in rank("bayes", play(few, [*pages, *recent]), few)] for pages in (old, seen_only)]
    assert labels[0] == labels[1]
