"""The state of a session: pages shown, answers given, and the resulting preference.

All of it is immutable; each step of a session returns a new state. A token (handler/sessions/tokens.py) carries it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from handler.errors import NothingToUndo
from handler.sessions.history import EMPTY, History, Round
from handler.sessions.preference import merge, with_likes, without_likes
from handler.sessions.searched import SEARCHES_KEPT, clip

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from handler.products.engine import NeighborIndex
    from handler.sessions.preference import Preference

PHOTOS_KEPT = 4
ROUNDS_KEPT = 200
"""Older rounds become sets, so that a token does not grow with every page. It limits how far back an undo reaches."""


@dataclass(frozen=True)
class Earlier:
    """Rounds that a session keeps only as sets of products, without their order, and that no undo can reach."""

    shown: frozenset[int] = frozenset()
    liked: frozenset[int] = frozenset()
    disliked: frozenset[int] = frozenset()
    standing: int = 0
    """How many of the rounds no undo had taken back."""
    rounds: int = 0


@dataclass(frozen=True)
class SessionState:
    """A session between two requests. The last round is the page in front of the shopper."""

    session_id: bytes
    vector_space: str
    """Identity of the space that the preference lives in: `Manifest.vector_space`."""
    rounds: History = EMPTY
    preference: Preference | None = None
    secret: bytes = field(default=b"", repr=False)
    """What random picks and the name in logs derive from; SessionTokens sets it and carries it on."""
    earlier: Earlier = Earlier()
    """What the rounds before `rounds` come to."""

    @cached_property
    def shown(self) -> frozenset[int]:
        return self.earlier.shown.union(self.rounds.shown)

    def showing(self, shown: frozenset[int]) -> SessionState:
        """This state, told what `shown` is, so that it does not collect it from its pages."""
        vars(self)["shown"] = shown  # where cached_property keeps it
        return self

    def of_session(self, vector_space: str, secret: bytes) -> SessionState:
        """The same pages and answers, in this vector space and with this secret."""
        named = SessionState(self.session_id, vector_space, self.rounds, self.preference, secret, self.earlier)
        return named.showing(self.shown)

    def preferring(self, preference: Preference | None) -> SessionState:
        return self._with(self.rounds, preference, self.shown)

    def _with(self, rounds: History, preference: Preference | None, shown: frozenset[int]) -> SessionState:
        # dataclasses.replace takes three times as long, and every round comes here twice.
        changed = SessionState(self.session_id, self.vector_space, rounds, preference, self.secret, self.earlier)
        return changed.showing(shown)

    @cached_property
    def liked(self) -> tuple[int, ...]:
        """Labels in the order in which they were liked; those of earlier rounds come first, in ascending order."""
        return (*sorted(self.earlier.liked), *self.rounds.liked)

    @cached_property
    def disliked(self) -> tuple[int, ...]:
        return (*sorted(self.earlier.disliked), *self.rounds.disliked)

    @property
    def number(self) -> int:
        """Number of the round in front of the shopper, counted from 1."""
        return self.earlier.standing + len(self.rounds) - sum([page.withdrawn for page in self.rounds.rare])

    @property
    def steps(self) -> int:
        """Number of all pages shown, counting those taken back."""
        return self.earlier.rounds + len(self.rounds)

    def show(self, labels: Sequence[int]) -> SessionState:
        shown = self._with(self.rounds.followed_by(Round(tuple(labels))), self.preference, self.shown.union(labels))
        return shown.compacted(ROUNDS_KEPT)

    def compacted(self, keep: int) -> SessionState:
        """The same session with at most `keep` rounds; the others count as earlier ones.

        Pages that were taken back go first, since nobody answered them, then the oldest. The page in front stays.
        """
        excess = len(self.rounds) - max(keep, 1)
        if excess <= 0:
            return self
        order = sorted(range(len(self.rounds) - 1), key=lambda position: not self.rounds[position].withdrawn)
        going = set(order[:excess])
        gone = [self.rounds[position] for position in sorted(going)]
        earlier = Earlier(
            self.earlier.shown.union(*(page.shown for page in gone)),
            self.earlier.liked.union(*(page.liked for page in gone)),
            self.earlier.disliked.union(*(page.disliked for page in gone)),
            self.earlier.standing + sum(not page.withdrawn for page in gone),
            self.earlier.rounds + len(gone),
        )
        kept = [page for position, page in enumerate(self.rounds) if position not in going]
        return replace(self, rounds=History.of(kept), earlier=earlier).showing(self.shown)

    def answer(self, liked: Sequence[int], disliked: Sequence[int], index: NeighborIndex) -> SessionState:
        """Apply an answer to the page in front. Repeating an earlier answer changes nothing.

        The caller has checked that all products were shown and none is both liked and disliked.
        """
        known, refused = frozenset(self.liked), frozenset(self.disliked)
        news = tuple(label for label in dict.fromkeys(liked) if label not in known)
        dislikes = tuple(label for label in dict.fromkeys(disliked) if label not in refused)
        answered = Round(self.rounds.front.shown, news, dislikes)
        preference = with_likes(self.preference, self.liked, news, index)
        return self._with(self.rounds.answered(answered), preference, self.shown)

    def like_photo(self, vector: NDArray[np.float32]) -> SessionState:
        """Like a photo, by its unit vector (dim,), in answer to the page in front.

        From then on the preference is a running mean, because a photo, unlike a product, cannot be looked up again. A
        token has room for the last PHOTOS_KEPT photos; undoing an older one leaves it in the preference.
        """
        merged = merge(self.preference, vector[None], sign=1)
        rounds = [*self.rounds[:-1], self.rounds.front._replace(photo=vector)]
        for position in [position for position, page in enumerate(rounds) if page.photo is not None][:-PHOTOS_KEPT]:
            rounds[position] = rounds[position]._replace(photo=None)
        return replace(self, rounds=History.of(rounds), preference=merged)

    @property
    def words(self) -> str:
        """What the session searched for last, or nothing."""
        return next((page.words for page in reversed(self.rounds.rare) if page.words), "")

    def search(self, text: str) -> SessionState:
        """Search for words in answer to the page in front. They replace those of an earlier search."""
        rounds = [*self.rounds[:-1], self.rounds.front._replace(words=clip(text))]
        for position in [position for position, page in enumerate(rounds) if page.words][:-SEARCHES_KEPT]:
            rounds[position] = rounds[position]._replace(words="")
        return replace(self, rounds=History.of(rounds))

    def with_words(self, vector: NDArray[np.float32]) -> SessionState:
        """For choosing a page only: the session with its last search, by its unit vector (dim,), as a liked photo."""
        latest = next(page for page in reversed(self.rounds) if page.words)
        rounds = [page._replace(photo=vector) if page is latest else page for page in self.rounds]
        return replace(self, rounds=History.of(rounds), preference=merge(self.preference, vector[None], sign=1))

    def undo(self, index: NeighborIndex) -> SessionState:
        """Take back the last answer: its page is in front again, and later pages stay seen.

        Raises NothingToUndo on the first page, and where the session keeps earlier answers only as sets.
        """
        standing = [position for position, page in enumerate(self.rounds) if not page.withdrawn]
        if len(standing) < 2:
            first = not self.earlier.standing
            raise NothingToUndo(
                "The first page is in front: there is no answer to take back."
                if first
                else f"A session keeps its last {ROUNDS_KEPT} pages at most: there is no answer left to take back.",
                field="session",
                limit=None if first else ROUNDS_KEPT,
                remedy="Answer a page with /v1/sessions/next first.",
            )
        undone, in_front = standing[-2], standing[-1]
        rest = [
            page._replace(withdrawn=True) if position == in_front else page for position, page in enumerate(self.rounds)
        ]
        page = rest.pop(undone)
        reopened = History.of([*rest, Round(page.shown)])
        before = (*self.earlier.liked, *(label for earlier in rest for label in earlier.liked))
        preference = self.preference if page.photo is None else merge(self.preference, page.photo[None], sign=-1)
        return replace(self, rounds=reopened, preference=without_likes(preference, before, page.liked, index))
