"""What is compared: a strategy, how many of a page's ten follow it, whether varied, and on which vectors."""

from __future__ import annotations

import re
from dataclasses import dataclass

from handler.errors import ConfigurationError
from handler.recommend.strategies import STRATEGIES

COUNT = 10
"""Products on a page."""
OWN, RAW, OTHER = "", "raw", "other"
_SHAPE = re.compile(r"(?P<strategy>[a-z]+):(?P<similar>\d+)(?P<diverse>\+diverse)?(@(?P<vectors>raw|other))?")


@dataclass(frozen=True)
class Arm:
    """One way to choose pages, written `strategy:similar[+diverse][@raw|@other]`: bayes:5 or mean:10+diverse."""

    strategy: str
    similar: int
    diverse: bool = False
    vectors: str = OWN
    """Which bundle it plays in: OWN is the catalog's, RAW has the encoder's vectors without a projection, and OTHER was
    made with another encoder."""

    def __str__(self) -> str:
        bundle = f"@{self.vectors}" if self.vectors else ""
        return f"{self.strategy}:{self.similar}{'+diverse' if self.diverse else ''}{bundle}"


REFERENCE = Arm("mean", 5)
"""What the others are compared with: the article's text, and what a shop does if it asks for nothing else."""
DEFAULT_ARMS = (
    "mean:5,recency:5,rocchio:5,bayes:5,mean:10,rocchio:10,bayes:10,mean:5+diverse,rocchio:5+diverse,bayes:5+diverse"
)
RAW_ARMS = "mean:5@raw,recency:5@raw"
"""The article's text and the article's code, both on embeddings as they are."""


def parse_arms(text: str) -> list[Arm]:
    """Comma-separated arms, the reference always among them. Raises ConfigurationError."""
    arms = [_parse(part.strip()) for part in text.split(",") if part.strip()]
    return list(dict.fromkeys((REFERENCE, *arms)))


def _parse(text: str) -> Arm:
    match = _SHAPE.fullmatch(text)
    if match is None or match["strategy"] not in STRATEGIES or int(match["similar"]) > COUNT:
        raise ConfigurationError(
            f"There is no arm {text!r}.",
            field="arms",
            value=text,
            limit=f"strategies: {', '.join(sorted(STRATEGIES))}; at most {COUNT} similar products",
            remedy="Write strategy:similar, then +diverse, @raw or @other if wanted: bayes:5,mean:10+diverse.",
        )
    return Arm(match["strategy"], int(match["similar"]), bool(match["diverse"]), match["vectors"] or OWN)
