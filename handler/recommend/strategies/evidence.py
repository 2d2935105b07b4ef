"""What a session's answers say, empty answers included."""

from __future__ import annotations

from itertools import accumulate, chain, compress, pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from handler.sessions.history import Round
    from handler.sessions.state import SessionState

PAGES_USED = 30
"""Earlier pages are ignored, so that the cost of a round stops growing; targets are usually found long before."""


class Choices(NamedTuple):
    """The options of answers, page by page, and what was chosen. An answer may also name a product of an earlier page,
    which is then one of its options.
    """

    options: list[int]
    """The labels of all pages in order."""
    sizes: Sequence[int]
    """The number of options of each page, at least 1."""
    liked: bytes
    """For each option 1 or 0."""
    disliked: bytes
    silent: Sequence[bool]
    """Whether the answer to each page was empty."""

    @classmethod
    def of(cls, pages: Sequence[Round]) -> Choices:
        options = [dict.fromkeys((*page.shown, *page.liked, *page.disliked)) for page in pages]
        return cls(
            list(chain.from_iterable(options)),
            [len(labels) for labels in options],
            bytes(label in page.liked for page, labels in zip(pages, options, strict=True) for label in labels),
            bytes(label in page.disliked for page, labels in zip(pages, options, strict=True) for label in labels),
            [not page.liked and not page.disliked and page.photo is None for page in pages],
        )

    def among(self, held: Container[int]) -> Choices:
        """Without the options that are not in `held`, and without pages that have no others."""
        keep = [label in held for label in self.options]
        sizes = [sum(keep[start:end]) for start, end in pairwise(accumulate(self.sizes, initial=0))]
        return Choices(
            list(compress(self.options, keep)),
            [size for size in sizes if size],
            bytes(compress(self.liked, keep)),
            bytes(compress(self.disliked, keep)),
            list(compress(self.silent, sizes)),
        )


def answered_pages(state: SessionState) -> list[Round]:
    """The latest PAGES_USED pages that were answered and not taken back. `state` has its last answer already."""
    return [page for page in state.rounds if not page.withdrawn and page.shown][-PAGES_USED:]


def choices_made(state: SessionState) -> Choices:
    """The choices from `answered_pages`, taken from the columns of the session where those say it all."""
    columns = state.rounds.columns
    if columns.rarities or not all(columns.sizes):
        return Choices.of(answered_pages(state))
    sizes = columns.sizes[-PAGES_USED:]
    start = len(columns.shown) - sum(sizes)
    liked, disliked = columns.liked[start:], columns.disliked[start:]
    ends = list(pairwise(accumulate(sizes, initial=0)))
    silent = [not any(liked[a:b]) and not any(disliked[a:b]) for a, b in ends]
    return Choices(list(columns.shown[start:]), sizes, liked, disliked, silent)
