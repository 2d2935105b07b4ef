"""Characters of a session's token, by catalog and dimensions: products that are shown far apart make it longest.

    python -m export.bench.token_sizes

Every page shows ten products drawn from the whole catalog, and an answer likes two of them. What is measured is the
token as a client sends it, signed and in base64. To reach: at most 4,096.
"""

from __future__ import annotations

import argparse

import numpy as np

from export.bench.results import DEFAULT_OUT, write_json
from export.bench.serving import charts
from handler.sessions.history import History, Round
from handler.sessions.preference import Preference
from handler.sessions.state import SessionState
from handler.sessions.tokens import SessionTokens

LIMIT = 4_096
CATALOGS = (10_000, 100_000, 1_000_000)
DIMS = (128, 256, 384, 768)
_PAGE = 10
_LIKED = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100, metavar="R", help="pages shown (default: 100)")
    rounds = parser.parse_args().rounds
    sizes = {count: {dim: token_chars(count, dim, rounds) for dim in DIMS} for count in CATALOGS}
    header = ("products", *(f"{dim} dimensions" for dim in DIMS))
    marked = {count: [f"{size:,}{' !' * (size > LIMIT)}" for size in row.values()] for count, row in sizes.items()}
    charts.print_table(header, [(f"{count:,}", *row) for count, row in marked.items()])
    written = write_json(DEFAULT_OUT, "token_sizes", {"rounds": rounds, "limit": LIMIT, "chars": sizes})
    print(f"\n! above {LIMIT:,} characters. Written: {written}")  # noqa: T201


def token_chars(count: int, dim: int, rounds: int) -> int:
    """Characters of the token after `rounds` pages of a catalog of `count` products with `dim` dimensions."""
    rng = np.random.default_rng(0)
    tokens = SessionTokens(("key" * 20,), ttl_seconds=3_600)
    state = tokens.start("0" * 32, seed="size")
    pages = rng.choice(count, (rounds, _PAGE), replace=False).tolist()
    answered = tuple(Round(tuple(page), tuple(page[:_LIKED])) for page in pages)
    mean = rng.normal(size=dim).astype(np.float32)
    preference = Preference(mean / np.linalg.norm(mean), rounds * _LIKED)
    return len(
        tokens.write(SessionState(state.session_id, state.vector_space, History.of(answered), preference, state.secret))
    )


if __name__ == "__main__":
    main()
