"""Thousands of sessions across change, in shops that hypothesis makes up; see `sessions_machine`.

python -m tests.fuzz.run_sessions 500
"""

from __future__ import annotations

import argparse

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.fuzz.sessions_machine import SessionsAcrossChange, played


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shops", type=int)
    options = parser.parse_args()
    run_state_machine_as_test(
        SessionsAcrossChange,
        settings=settings(
            max_examples=options.shops,
            stateful_step_count=50,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    print("\n".join(f"{count:9,} {name}" for name, count in sorted(played.items())))


if __name__ == "__main__":
    main()
