"""Click-through by strategy, from the log lines that handler/events.py describes:

    python scripts/click_through.py < events.jsonl
    aws logs tail /aws/lambda/vitrine --since 7d --format short | python scripts/click_through.py

Of the products that a strategy showed and that were answered at all, how many were liked; beside it the share for each
reason. Lines that are no events, and what stands before a line's JSON, are skipped.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Shares = dict[tuple[str, str], tuple[int, int]]


def events(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            found = json.loads(line[line.find("{") :])
        except ValueError:
            continue
        if isinstance(found, dict) and found.get("event") == "round":
            yield found


def click_through(lines: Iterable[str]) -> Shares:
    """(strategy, reason) -> (liked, shown); the reason "all" is over all of a strategy.

    A page counts once its session's next one was asked for: of others nobody knows whether they were looked at.
    """
    rounds = {(one["session"], one["round"]): one for one in events(lines)}
    liked = {(session, like["label"]) for (session, _), one in rounds.items() for like in one["answer"]["liked"]}
    shown: Counter[tuple[str, str]] = Counter()
    clicked: Counter[tuple[str, str]] = Counter()
    for (session, number), one in rounds.items():
        if (session, number + 1) not in rounds:
            continue
        for item in one["shown"]:
            for key in ((one["strategy"], "all"), (one["strategy"], item["reason"])):
                shown[key] += 1
                clicked[key] += (session, item["label"]) in liked
    return {key: (clicked[key], shown[key]) for key in sorted(shown)}


if __name__ == "__main__":
    for (strategy, reason), (likes, seen) in click_through(sys.stdin).items():
        print(f"{strategy:12} {reason:10} {likes:6} of {seen:7} liked  {likes / seen:7.1%}")
