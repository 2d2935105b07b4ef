"""Up to a million rounds in one process, through the Lambda entry point, while bundle and signing keys change.

    python -m tests.load.run_soak 1000000

Prints the process's memory and descriptors after each tenth of the rounds. The garbage collector runs as it does in a
Lambda function: nothing calls it here. The run fails after an answer other than 200, if memory ends MORE_MEGABYTES
above that of the first tenth, or if the process holds more descriptors at any later switch than after that tenth.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from export.store.rollback import roll_back
from handler import lambda_entry
from handler.sessions.tokens import SessionTokens
from handler.stores.store import DirectoryStore
from tests.fuzz.token_checks import KEY, entry_point
from tests.handler.support import event, send
from tests.load.switching import two_bundles
from tests.load.usage import Usage, usage

MOST_ROUNDS = 1_000_000
ROUNDS_A_SESSION = 7
MOMENTS = 10
SWITCHES_A_MOMENT = 10
MORE_MEGABYTES = 20


class Soaked(NamedTuple):
    """A run's outcome."""

    moments: list[Usage]
    """After each tenth of the rounds."""
    switches: int
    most_descriptors: int
    """At any switch of the last nine tenths."""
    seconds: float


def soak(rounds: int, folder: Path, switches_a_moment: int = SWITCHES_A_MOMENT) -> Soaked:
    """Play `rounds`, a multiple of MOMENTS * `switches_a_moment`; bundle and signing key change as often as that."""
    bundles, versions = two_bundles(folder)
    stretch = rounds // (MOMENTS * switches_a_moment)
    moments, descriptors = list[Usage](), list[int]()
    keys: tuple[str, ...] = (KEY,)
    started = time.monotonic()
    # 0: every round asks for the current bundle, so that no switch is missed
    with entry_point(bundles, VITRINE_REFRESH_SECONDS="0"):
        runtime = lambda_entry._runtime()
        page = send(event("start_session")).json
        for switch in range(1, MOMENTS * switches_a_moment + 1):
            for _ in range(stretch):
                page = _next(page)
            assert runtime.bundle().version == versions[switch % 2]
            now = usage(os.getpid(), folder)
            descriptors.append(now.descriptors)
            if switch % switches_a_moment == 0:
                moments.append(now)
            roll_back(DirectoryStore(bundles), versions[(switch + 1) % 2])
            keys = (f"{switch:032}", *keys[:2])
            runtime._tokens = SessionTokens(keys, runtime.settings.session_ttl_seconds)
    most = max(descriptors[switches_a_moment:])
    return Soaked(moments, len(descriptors), most, time.monotonic() - started)


def check(soaked: Soaked) -> None:
    """Raises AssertionError where memory or descriptors grew."""
    first, last = soaked.moments[0], soaked.moments[-1]
    assert last.megabytes <= first.megabytes + MORE_MEGABYTES, soaked
    assert soaked.most_descriptors <= first.descriptors, soaked


def _next(page: Any) -> Any:
    """The page after `page`, or the first one of a new session."""
    if page["round"] >= ROUNDS_A_SESSION:
        answer = send(event("start_session"))
    else:
        liked = [item["id"] for item in page["items"][:2]]
        answer = send(event("next_page", {"session": page["session"], "liked": liked}))
    assert answer.status == 200, answer.content
    return answer.json


def _rounds(text: str) -> int:
    rounds, step = int(text), MOMENTS * SWITCHES_A_MOMENT
    if not step <= rounds <= MOST_ROUNDS or rounds % step:
        raise argparse.ArgumentTypeError(f"{rounds:,}: give a multiple of {step}, at most {MOST_ROUNDS:,}")
    return rounds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rounds", type=_rounds)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        soaked = soak(rounds, Path(folder))
    print(f"{rounds:,} rounds and {soaked.switches} switches in {soaked.seconds:.0f} s")
    print("MB resident:", ", ".join(f"{one.megabytes:.1f}" for one in soaked.moments))
    print(
        "Descriptors:", ", ".join(str(one.descriptors) for one in soaked.moments), f"(most {soaked.most_descriptors})"
    )
    check(soaked)


if __name__ == "__main__":
    main()
