"""What a token carries comes back as it was: a lost answer is a lost taste, a lost page is a product shown twice."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from handler.errors import SessionMalformed
from handler.sessions.codec import LAYOUT, VECTOR_SPACE_BYTES, decode, encode
from handler.sessions.history import History, Round
from handler.sessions.preference import Preference
from handler.sessions.state import SessionState
from handler.sessions.tokens import SessionTokens
from tests.handler.support import VECTOR_SPACE, clustered

if TYPE_CHECKING:
    from handler.products.neighbors import HnswIndex
    from tests.handler.support import Vectors

ISSUED = 1_700_000_000
SECRET = b"a secret"


@st.composite
def preferences(draw: st.DrawFn) -> Preference:
    components = st.floats(-1, 1, width=32)
    mean = draw(st.lists(components, min_size=1, max_size=64))
    return Preference(np.asarray(mean, dtype=np.float32), draw(st.integers(1, 5_000)))


@st.composite
def states(draw: st.DrawFn) -> SessionState:
    """Any pages (also empty ones), answered on the spot, later or not at all, taken back or not."""
    largest = draw(st.sampled_from([1, 130, 70_000, 2**40]))
    labels = draw(st.lists(st.integers(0, largest), unique=True, max_size=24))
    rounds, start, answered = [], 0, set[int]()
    for size in draw(st.lists(st.integers(0, 12), min_size=1, max_size=5)):
        page = labels[start : start + size]
        answerable = [label for label in dict.fromkeys([*page, *labels[: min(start, 3)]]) if label not in answered]
        signs = draw(st.lists(st.sampled_from(["liked", "disliked", ""]), min_size=15, max_size=15))
        liked, disliked = (
            tuple(label for label, given in zip(answerable, signs, strict=False) if given == sign)
            for sign in ("liked", "disliked")
        )
        start += len(page)
        answered.update(liked, disliked)
        rounds.append(Round(tuple(page), liked, disliked, withdrawn=draw(st.booleans())))
    return SessionState(draw(st.binary(min_size=8, max_size=8)), VECTOR_SPACE, History.of(rounds), None)


def kept(state: SessionState) -> list[tuple[object, ...]]:
    """A round's content. The order within one answer is the page's; a client's lists are sets to it."""
    return [(page.shown, set(page.liked), set(page.disliked), page.withdrawn) for page in state.rounds]


@examples(deadline=None, max_examples=100)
@given(state=states(), preference=st.none() | preferences(), secret=st.just(b"") | st.binary(min_size=8, max_size=8))
def test_every_session_survives_a_round_trip(state: SessionState, preference: Preference | None, secret: bytes) -> None:
    decoded, issued_at = decode(encode(replace(state, preference=preference, secret=secret), ISSUED))
    assert decoded.secret == secret
    assert issued_at == ISSUED
    assert decoded.session_id == state.session_id
    assert decoded.vector_space == VECTOR_SPACE[: 2 * VECTOR_SPACE_BYTES]
    assert kept(decoded) == kept(state)
    assert decoded.shown == state.shown
    if preference is None:
        assert decoded.preference is None
    else:
        assert decoded.preference is not None
        assert decoded.preference.count == preference.count
        largest = np.abs(preference.mean).max()
        np.testing.assert_allclose(decoded.preference.mean, preference.mean, atol=float(largest) * 0.033)


@examples(deadline=None, max_examples=40)
@given(state=states(), preference=preferences())
def test_passing_a_session_on_unchanged_loses_nothing_more(state: SessionState, preference: Preference) -> None:
    """A shopper who only looks writes the same preference again with every page; it must not wear out."""
    written = encode(replace(state, preference=preference), ISSUED)
    assert encode(replace(decode(written)[0], vector_space=VECTOR_SPACE), ISSUED) == written


def long_session(dim: int, count: int = 100_000) -> SessionState:
    """100 rounds of ten, with likes and dislikes in each."""
    rng = np.random.default_rng(3)
    labels = rng.choice(count, 1_000, replace=False).reshape(100, 10).tolist()
    rounds = [Round(tuple(page), tuple(page[:2]), tuple(page[2:6])) for page in labels]
    mean = clustered(200, dim, clusters=5, outliers=4).mean(axis=0)
    return SessionState(b"\xff" * 8, VECTOR_SPACE, History.of(rounds), Preference(mean, 200), SECRET)


@pytest.mark.parametrize(("dim", "catalog"), [(768, 100_000), (256, 1_000_000), (256, 2**20)])
def test_a_token_of_100_rounds_fits_into_4_kilobytes(dim: int, catalog: int) -> None:
    tokens = SessionTokens(("new" * 20, "old" * 20), ttl_seconds=3600)
    token = tokens.write(long_session(dim, catalog))
    assert len(token) <= 4096
    assert len(tokens.read(token, VECTOR_SPACE, dim).shown) == 1_000


def neighbors_kept(vectors: Vectors, liked: int, seed: int) -> float:
    """Share of the ten nearest to a preference that are still among the ten nearest once a token has carried it."""
    rng = np.random.default_rng(seed)
    shares = []
    for _ in range(25):
        start = rng.integers(len(vectors))
        close = np.argsort(-(vectors @ vectors[start]))[:60]
        mean = vectors[rng.choice(close, liked, replace=False)].mean(axis=0)
        state = SessionState(b"session!", VECTOR_SPACE, History.of(()), Preference(mean, liked))
        carried = decode(encode(state, ISSUED))[0].preference
        assert carried is not None
        before, after = (set(np.argsort(-(vectors @ query))[:10].tolist()) for query in (mean, carried.mean))
        shares.append(len(before & after) / 10)
    return float(np.mean(shares))


@pytest.mark.parametrize("outliers", [0, 4], ids=["plain", "outlier-dimensions"])
@pytest.mark.parametrize("liked", [1, 5, 30])
def test_quantizing_the_preference_keeps_its_neighbors(outliers: int, liked: int) -> None:
    vectors = clustered(4_000, 384, clusters=40, outliers=outliers, seed=5)
    assert neighbors_kept(vectors, liked, seed=liked) >= 0.9


def test_a_token_in_every_round_does_not_blur_the_preference(few: HnswIndex, few_vectors: Vectors) -> None:
    """Quantized a hundred times on the way, the mean of a hundred likes is still exact: it is taken afresh."""
    tokens = SessionTokens(("k" * 32,), ttl_seconds=3600)
    state = SessionState(b"session!", VECTOR_SPACE, secret=SECRET).show([0, 1])
    for number in range(1, 101):
        state = state.answer([2 * number - 2], [], few).show([2 * number, 2 * number + 1])
        exact = state.preference
        state = tokens.read(tokens.write(state), VECTOR_SPACE, few_vectors.shape[1])
    assert exact is not None
    np.testing.assert_allclose(exact.mean, few_vectors[0:200:2].mean(axis=0), atol=1e-6)


@pytest.mark.parametrize(
    "fields",
    [
        [LAYOUT + 1, b"session!"],
        [LAYOUT],
        [],
        {},
        7,
        None,
        [LAYOUT, b"12345678", ISSUED, b"12345678", None, [[1, 1]], 3, b"", b"", b"", [], []],
        [LAYOUT, b"12345678", ISSUED, 5, None, [], 0, b"", b"", b"", [], []],
        [LAYOUT, b"12345678", ISSUED, b"12345678", [1.0, 1, 48, b"short"], [], 0, b"", b"", b"", [], []],
        [LAYOUT, b"12345678", "now", b"12345678", None, [], 0, b"", b"", b"", [], []],
        [LAYOUT, b"12345678", ISSUED, b"12345678", None, [], 0, b"", b"", b"", [], [], [], b"short"],
        [LAYOUT, b"12345678", ISSUED, b"12345678", None, [], 0, b"", b"", b"", [], [], [], 5],
        [LAYOUT, b"12345678", float("inf"), b"12345678", None, [], 0, b"", b"", b"", [], []],
    ],
)
def test_a_signed_payload_of_another_version_is_malformed(fields: object) -> None:
    with pytest.raises(SessionMalformed):
        decode(bytes(msgpack.packb(fields)))


@examples(deadline=None, max_examples=300)
@given(data=st.binary(max_size=64))
def test_any_bytes_at_all_are_a_session_or_malformed(data: bytes) -> None:
    with contextlib.suppress(SessionMalformed):
        decode(data)


def test_a_photo_survives_a_round_trip_and_tokens_without_one_stay_small(many_vectors: Vectors) -> None:
    plain = SessionState(b"session!", VECTOR_SPACE).show([1, 2])
    liked = plain.like_photo(many_vectors[0]).show([3])
    decoded, _ = decode(encode(liked, ISSUED))
    assert [page.photo is not None for page in decoded.rounds] == [True, False]
    kept_photo = decoded.rounds[0].photo
    assert kept_photo is not None
    assert kept_photo @ many_vectors[0] == pytest.approx(1, abs=0.01)
    again, _ = decode(encode(decoded, ISSUED))
    np.testing.assert_array_equal(again.rounds[0].photo, kept_photo)  # nothing more is lost from round to round
    without = len(encode(replace(liked, rounds=History.of([plain.rounds[0], liked.rounds[1]])), ISSUED))
    assert len(encode(liked, ISSUED)) - without < many_vectors.shape[1] + 20


def test_a_preference_smaller_than_normal_numbers_keeps_its_direction() -> None:
    mean = np.asarray([1e-41, -1e-41, 0], dtype=np.float32)
    state = SessionState(b"session!", VECTOR_SPACE, preference=Preference(mean, 2)).show([1])
    carried = decode(encode(state, ISSUED))[0].preference
    assert carried is not None
    np.testing.assert_array_equal(np.sign(carried.mean), [1, -1, 0])
