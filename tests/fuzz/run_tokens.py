"""The whole token proof: mutated tokens by the hundred thousand, each read and sent through the Lambda entry point.

    python -m tests.fuzz.run_tokens 100000                        # from random choices
    python -m tests.fuzz.run_tokens 20000 --driver hypothesis     # from hypothesis, which minimizes a failure
    python -m tests.fuzz.run_tokens 80000 --driver guided         # atheris: inputs that reach new code are kept

A token that is accepted or fails a request ends the run with a traceback. Otherwise it prints the counts by kind and
outcome, the slowest token (CPU time of its thread) and the one that took the most memory.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fuzz.mutants import Mutant
    from tests.fuzz.token_checks import Outcome, Target

PHOTOS_A_COLOR = 20


class Tally:
    """What the tokens of a run came to."""

    def __init__(self) -> None:
        self._codes: Counter[tuple[str, str]] = Counter()
        self._statuses: Counter[int] = Counter()
        self._slowest = (0.0, "", 0)
        self._largest = (0, "", 0)

    def add(self, mutant: Mutant, outcome: Outcome) -> None:
        self._codes[mutant.kind, outcome.code] += 1
        self._statuses[outcome.status] += 1
        self._slowest = max(self._slowest, (outcome.seconds, mutant.kind, len(mutant.token)))
        self._largest = max(self._largest, (outcome.peak_bytes, mutant.kind, len(mutant.token)))

    def __str__(self) -> str:
        from tests.fuzz.mutants import KINDS

        codes = sorted({code for _, code in self._codes})
        rows = [f"{'':22}" + "".join(f"{code:>23}" for code in codes)]
        rows += [f"{kind:22}" + "".join(f"{self._codes[kind, code]:23,}" for code in codes) for kind in KINDS]
        seconds, slow, slow_chars = self._slowest
        peak, large, large_chars = self._largest
        return "\n".join(
            [
                *rows,
                f"{self._codes.total():,} tokens; statuses: {dict(sorted(self._statuses.items()))}",
                f"slowest to read: {seconds * 1e3:.1f} ms ({slow}, {slow_chars:,} characters)",
                f"most memory to read: {peak / 1e6:.2f} MB ({large}, {large_chars:,} characters)",
            ]
        )


def by_chance(target: Target, count: int, tally: Tally) -> None:
    for seed in range(count):
        mutant = target.mutator.mutant(random.Random(seed).randrange)
        tally.add(mutant, target.check(mutant))


def by_hypothesis(target: Target, count: int, tally: Tally) -> None:
    from hypothesis import HealthCheck, given, settings
    from hypothesis import strategies as st

    @settings(deadline=None, max_examples=count, database=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def play(data: st.DataObject) -> None:
        def choose(below: int) -> int:
            return data.draw(st.integers(0, below - 1))

        mutant = target.mutator.mutant(choose)
        tally.add(mutant, target.check(mutant))

    play()


def by_coverage(target: Target, count: int, tally: Tally) -> None:
    """Atheris ends the process. The code that reads tokens was instrumented at its import, see `main`."""
    import atheris

    from tests.fuzz.mutants import FromBytes

    tried = 0

    def one(data: bytes) -> None:
        nonlocal tried
        mutant = target.mutator.mutant(FromBytes(data))
        tally.add(mutant, target.check(mutant))
        tried += 1
        if tried == count:
            print(tally, flush=True)

    atheris.Setup([sys.argv[0], f"-atheris_runs={count}", "-max_len=256", "-seed=1", "-verbosity=0"], one)
    atheris.Fuzz()


DRIVERS: dict[str, Callable[[Target, int, Tally], None]] = {
    "random": by_chance,
    "hypothesis": by_hypothesis,
    "guided": by_coverage,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int)
    parser.add_argument("--driver", choices=DRIVERS, default="random")
    options = parser.parse_args()
    if options.driver == "guided":
        import atheris

        with atheris.instrument_imports(include=["handler.sessions", "itsdangerous"]):
            import handler.sessions.tokens  # noqa: F401  nothing above may have imported it
    from tests.conftest import draw_photos, run_index
    from tests.fuzz.token_checks import Target, entry_point
    from tests.tiny_encoder import write_tiny_encoder

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photos = draw_photos(folder / "photos", PHOTOS_A_COLOR)
        run_index(photos / "catalog.jsonl", folder / "bundles", write_tiny_encoder(folder / "encoder"))
        with entry_point(folder / "bundles"):
            tally = Tally()
            DRIVERS[options.driver](Target(), options.count, tally)
            print(tally, flush=True)


if __name__ == "__main__":
    main()
