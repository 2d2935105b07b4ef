"""Shoppers' answers from a log of events, as handler/events.py describes its lines.

A log comes from outside, such as a download from CloudWatch: no line is trusted before it is checked. Lines of other
loggers are ignored, and what a download puts before a line's JSON is skipped. Lines that name themselves events and
break the contract are counted, so that a damaged log does not pass for a quiet shop.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from handler.errors import CatalogError
from handler.manifest import MAX_LABELS
from handler.schemas import MAX_ANSWER, MAX_COUNT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path
    from typing import BinaryIO

MAX_LINE = 32_768
"""Bytes. A page of 50 products with 200 answers of each kind takes 24,000."""
MAX_EVENTS = 500_000
"""They are held in memory, about 800 bytes each."""


class _Contract(BaseModel):
    model_config = ConfigDict(strict=True)


class _Product(_Contract):
    label: int = Field(ge=0, lt=MAX_LABELS)


class _Answer(_Contract):
    liked: Annotated[list[_Product], Field(max_length=MAX_ANSWER)]
    disliked: Annotated[list[_Product], Field(max_length=MAX_ANSWER)]


class _Event(_Contract):
    time: AwareDatetime
    event: Literal["round", "undo"]
    session: str = Field(min_length=1, max_length=64)
    round: int = Field(ge=1, lt=2**31)
    bundle: str = Field(max_length=96)
    shown: Annotated[list[_Product], Field(max_length=MAX_COUNT)]
    answer: _Answer


class _Line(NamedTuple):
    """What is kept of an event: a validated model takes ten times the memory."""

    time: datetime
    undo: bool
    round: int
    shown: tuple[int, ...]
    liked: tuple[int, ...]
    disliked: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AnsweredPage:
    """Labels of one page, and what the shopper said to it."""

    shown: tuple[int, ...]
    liked: tuple[int, ...]
    """May name products of earlier pages."""
    disliked: tuple[int, ...]


@dataclass(frozen=True)
class EventLog:
    """What a log says."""

    sessions: tuple[tuple[AnsweredPage, ...], ...]
    """The answered pages of each session, oldest first, without those that an undo took back."""
    bundles: frozenset[str]
    """Versions of the bundles that served them."""
    events: int
    """Lines that hold to the contract."""
    broken: int
    """Lines that name themselves events and do not."""


def read_event_log(path: Path) -> EventLog:
    """Read the log at `path`, JSON lines in any order.

    Raises OSError, and CatalogError for a log of more than MAX_EVENTS events.
    """
    sessions: dict[str, list[_Line]] = defaultdict(list)
    bundles: set[str] = set()
    events = broken = 0
    with path.open("rb") as file:
        for line in _lines(file):
            if b'"event"' not in line:
                continue
            try:
                event = _Event.model_validate_json(line[max(0, line.find(b"{")) :].strip())
            except ValidationError:
                broken += 1
                continue
            events += 1
            if events > MAX_EVENTS:
                raise CatalogError(
                    f"{path} has more than {MAX_EVENTS:,} events.",
                    field="log",
                    limit=MAX_EVENTS,
                    remedy="Pass the log of a shorter time.",
                )
            bundles.add(event.bundle)
            shown, liked, disliked = map(_labels, (event.shown, event.answer.liked, event.answer.disliked))
            kept = _Line(event.time, event.event == "undo", event.round, shown, liked, disliked)
            sessions[event.session].append(kept)
    return EventLog(tuple(_answers(session) for session in sessions.values()), frozenset(bundles), events, broken)


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines of `file`; of a line longer than MAX_LINE its beginning, which is no JSON."""
    while line := file.readline(MAX_LINE):
        yield line
        while line and not line.endswith(b"\n"):
            line = file.readline(MAX_LINE)


def _answers(session: list[_Line]) -> tuple[AnsweredPage, ...]:
    """The answered pages of one session. The last line of a round counts, and an undo ends all rounds after its own."""
    standing: dict[int, _Line] = {}
    for line in sorted(session, key=lambda one: one.time):
        if line.undo:
            standing = {number: one for number, one in standing.items() if number <= line.round}
        else:
            standing[line.round] = line
    return tuple(
        AnsweredPage(standing[number - 1].shown, one.liked, one.disliked)
        for number, one in sorted(standing.items())
        if number - 1 in standing
    )


def _labels(products: list[_Product]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(one.label for one in products))
