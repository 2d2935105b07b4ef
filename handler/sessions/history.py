"""The pages of a session and the answers to them, in columns, as its token has them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate, chain, compress, pairwise
from typing import TYPE_CHECKING, NamedTuple, overload

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np
    from numpy.typing import NDArray


class Round(NamedTuple):
    """A page and its answer, which may also name products of earlier pages."""

    shown: tuple[int, ...]
    liked: tuple[int, ...] = ()
    disliked: tuple[int, ...] = ()
    withdrawn: bool = False
    """An undo took its page back: its products count as seen, and the missing answer carries no information."""
    photo: NDArray[np.float32] | None = None
    """Unit vector (dim,) of a photo liked in this answer, kept so that an undo can subtract it from the preference."""
    words: str = ""
    """What this answer searched for, clipped. The bundle in service gives it a vector, page by page (`with_words`)."""


class Rarities(NamedTuple):
    """What few rounds have, besides the products of their page and whether its answer liked or disliked each."""

    liked: tuple[int, ...] = ()
    """Products of earlier pages that the answer liked."""
    disliked: tuple[int, ...] = ()
    withdrawn: bool = False
    photo: NDArray[np.float32] | None = None
    words: str = ""


_NONE = Rarities()


class Columns(NamedTuple):
    """Rounds by column."""

    shown: tuple[int, ...] = ()
    """The labels of all pages, in order."""
    sizes: tuple[int, ...] = ()
    """The number of labels of each page."""
    liked: bytes = b""
    """For each of `shown` 1 or 0: whether the answer to its page liked it."""
    disliked: bytes = b""
    rarities: Mapping[int, Rarities] = {}
    """By the number of the round, ascending."""

    def rounds(self) -> list[Round]:
        ends = pairwise(accumulate(self.sizes, initial=0))
        return [self.part(start, end, number) for number, (start, end) in enumerate(ends)]

    def part(self, start: int, end: int, number: int) -> Round:
        """Round `number`, whose page is `shown[start:end]`."""
        page = self.shown[start:end]
        liked, disliked = compress(page, self.liked[start:end]), compress(page, self.disliked[start:end])
        rare = self.rarities.get(number, _NONE)
        return Round(page, (*liked, *rare.liked), (*disliked, *rare.disliked), *rare[2:])

    @classmethod
    def of(cls, rounds: Sequence[Round]) -> Columns:
        return cls(
            tuple(chain.from_iterable([page.shown for page in rounds])),
            tuple([len(page.shown) for page in rounds]),
            b"".join([_marks(page.liked, page.shown) for page in rounds]),
            b"".join([_marks(page.disliked, page.shown) for page in rounds]),
            {number: rare for number, page in enumerate(rounds) if (rare := _rarities(page))},
        )

    def followed_by(self, page: Round) -> Columns:
        rare = _rarities(page)
        return Columns(
            self.shown + page.shown,
            (*self.sizes, len(page.shown)),
            self.liked + _marks(page.liked, page.shown),
            self.disliked + _marks(page.disliked, page.shown),
            {**self.rarities, len(self.sizes): rare} if rare else self.rarities,
        )


class History(Sequence[Round]):
    """A sequence of rounds; the last one is the page in front.

    A token is read into columns and written from them, in half the time that a tuple of rounds takes. Most requests
    look only at the page in front; the others get rounds, made when they are asked for.
    """

    def __init__(self, before: Columns, front: Round | None) -> None:
        """`front` is None, and `before` empty, while the session has not shown a page."""
        self._before = before
        self._front = front

    @classmethod
    def of(cls, rounds: Sequence[Round]) -> History:
        return cls(Columns.of(rounds[:-1]), rounds[-1] if rounds else None)

    @classmethod
    def of_columns(cls, columns: Columns) -> History:
        if not columns.sizes:
            return cls(columns, None)
        *sizes, last = columns.sizes
        start = len(columns.shown) - last
        front = columns.part(start, len(columns.shown), len(sizes))
        rarities = columns.rarities
        if len(sizes) in rarities:
            rarities = {number: rare for number, rare in rarities.items() if number < len(sizes)}
        before = Columns(columns.shown[:start], tuple(sizes), columns.liked[:start], columns.disliked[:start], rarities)
        return cls(before, front)

    @property
    def front(self) -> Round:
        """The page in front. Raises IndexError while no page has been shown."""
        if self._front is None:
            raise IndexError("the session has not shown a page")
        return self._front

    @property
    def shown(self) -> tuple[int, ...]:
        return self._before.shown + (self._front.shown if self._front else ())

    @property
    def columns(self) -> Columns:
        return self._before.followed_by(self._front) if self._front else self._before

    def answered(self, front: Round) -> History:
        """With an answer to the page in front."""
        return History(self._before, front)

    def followed_by(self, page: Round) -> History:
        return History(self.columns, page)

    @property
    def liked(self) -> tuple[int, ...]:
        """The labels liked, in the order of the rounds."""
        if self._before.rarities:
            return tuple(chain.from_iterable([page.liked for page in self]))
        return (*compress(self._before.shown, self._before.liked), *(self._front.liked if self._front else ()))

    @property
    def disliked(self) -> tuple[int, ...]:
        if self._before.rarities:
            return tuple(chain.from_iterable([page.disliked for page in self]))
        return (*compress(self._before.shown, self._before.disliked), *(self._front.disliked if self._front else ()))

    @property
    def come_back_equal(self) -> bool:
        """Whether a token brings these rounds back as they are: photos lose digits, and an answer its own order."""
        answered = self._front is not None and (self._front.liked or self._front.disliked)
        return not answered and all(page.photo is None for page in self.rare)

    @property
    def rare(self) -> list[Rarities | Round]:
        """In the order of the rounds, all that can have been taken back, or have a photo or words."""
        return [*self._before.rarities.values(), *((self._front,) if self._front else ())]

    @cached_property
    def _rounds(self) -> tuple[Round, ...]:
        return (*self._before.rounds(), *([self._front] if self._front else []))

    def __len__(self) -> int:
        return len(self._before.sizes) + bool(self._front)

    @overload
    def __getitem__(self, place: int) -> Round: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Round, ...]: ...
    def __getitem__(self, place: int | slice) -> Round | tuple[Round, ...]:
        return self._rounds[place]

    def __iter__(self) -> Iterator[Round]:
        return iter(self._rounds)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._rounds == tuple(other)

    def __hash__(self) -> int:
        return hash(self._rounds)


EMPTY = History(Columns(), None)


def _marks(answered: tuple[int, ...], page: tuple[int, ...]) -> bytes:
    """1 for each product of a page that is among those answered, and 0 for the others."""
    return bytes(map(frozenset(answered).__contains__, page)) if answered else bytes(len(page))


def _rarities(page: Round) -> Rarities | None:
    """None for most rounds."""
    shown, liked, disliked, withdrawn, photo, words = page
    here = frozenset(shown)
    if here.issuperset(liked) and here.issuperset(disliked) and not withdrawn and photo is None and not words:
        return None
    return Rarities(
        tuple(label for label in liked if label not in here),
        tuple(label for label in disliked if label not in here),
        withdrawn,
        photo,
        words,
    )
