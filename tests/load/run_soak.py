"""Rounds by the hundred thousand in one process, through the Lambda entry point, while bundle and keys change.

    python -m tests.load.run_soak 1000000

Prints the process's memory at ten moments; that of the last must not exceed that of the first by MORE_MEGABYTES.
Any answer other than 200 ends the run.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from export.store.rollback import roll_back
from handler import lambda_entry
from handler.sessions.tokens import SessionTokens
from handler.stores.store import DirectoryStore
from tests.fuzz.token_checks import KEY, entry_point
from tests.handler.support import event, send
from tests.load.run_load import two_bundles

ROUNDS_A_SESSION = 7
MOMENTS = 10
MORE_MEGABYTES = 20


def soak(rounds: int, folder: Path) -> list[float]:
    """Megabytes resident after each tenth of `rounds`; bundle and signing key change at each of these moments."""
    bundles, versions = two_bundles(folder)
    memory = []
    with entry_point(bundles, VITRINE_REFRESH_SECONDS="0.5"):
        runtime = lambda_entry._runtime()
        keys: tuple[str, ...] = (KEY,)
        page = send(event("start_session")).json
        for number in range(rounds):
            if page["round"] >= ROUNDS_A_SESSION:
                page = send(event("start_session")).json
            else:
                liked = [item["id"] for item in page["items"][:2]]
                answer = send(event("next_page", {"session": page["session"], "liked": liked}))
                assert answer.status == 200, answer.content
                page = answer.json
            if (number + 1) % max(1, rounds // MOMENTS) == 0:
                memory.append(_megabytes())
                roll_back(DirectoryStore(bundles), versions[len(memory) % 2])
                keys = (f"{len(memory):032}", *keys[:2])
                runtime._tokens = SessionTokens(keys, runtime.settings.session_ttl_seconds)
    return memory


def _megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rounds", type=int)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        memory = soak(rounds, Path(folder))
    print(f"{rounds:,} rounds; MB resident: {', '.join(f'{one:.1f}' for one in memory)}")
    assert memory[-1] <= memory[0] + MORE_MEGABYTES


if __name__ == "__main__":
    main()
