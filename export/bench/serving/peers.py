"""One round by other libraries, beside Vitrine's: the same sessions, the same seen products, in one process, no HTTP.

A round takes the session's likes to a preference, finds five unseen products near it and draws five others. Vitrine's
also says which likes each product is close to. Everything else about a round (token, catalog, JSON) is left out.

article     datasets with FAISS, as in the article's code: at every click the index is rebuilt without what was seen
numpy       all inner products, exact
faiss       IndexHNSWFlat, seen products excluded by an IDSelector
usearch     HNSW, asked for more and the seen ones dropped, as Vitrine does
qdrant      qdrant-client's local mode, which compares all vectors in numpy
milvus      Milvus Lite with a FLAT index and a filter expression

HNSW indexes get Vitrine's M, ef_construction and ef. `found` is the share of the five true nearest that a round shows.
Rounds take turns until each library has had --repeat of them or --seconds. Times are CPU time of the process, which
other work on a shared machine changes less than it changes the clock's.
"""

from __future__ import annotations

import random
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from export.bench.results import write_json
from export.bench.serving import charts, published
from export.bench.serving.bench_parser import new_parser
from export.bench.serving.peer_indexes import PEERS
from export.bench.serving.timing import summary
from handler.open_bundle import OpenBundle
from handler.products.neighbors import HnswIndex
from handler.recommend.next_page import PageRequest, next_page
from handler.recommend.strategies import find_strategy
from handler.sessions.state import SessionState
from handler.stores.store import DirectoryStore

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

SIZES = (10_000, 100_000)
SHOPPERS = 20
SIMILAR = 5
COUNT = 10
OURS = "vitrine"
_WANTED = PageRequest(COUNT, SIMILAR, find_strategy("mean"))


class Session(NamedTuple):
    """A session whose last page is answered, but whose preference does not know it yet."""

    state: SessionState
    liked: tuple[int, int]
    seen: frozenset[int]


def main() -> None:
    options = _parse_options()
    measured = {count: _measure(options, count) for count in options.products}
    path = write_json(options.out, "peers", {"rounds": options.rounds, "sizes": measured})
    _print(measured)
    print(f"\nWritten: {path}, {_plot(options.out, measured)}")


def _measure(options: argparse.Namespace, count: int) -> dict[str, Any]:
    store = DirectoryStore(published.published_bundle(options.work, count))
    bundle = OpenBundle(store, store.current().version)
    index = bundle.index
    assert isinstance(index, HnswIndex)
    index.load()
    _, vectors = index.vectors(index.everything.labels)  # labels are 0 to n-1 here
    sessions = [_session(index, number, options.rounds) for number in range(SHOPPERS)]
    truth = [_nearest_unseen(vectors, session) for session in sessions]
    sides: dict[str, Callable[[Session], list[int]]] = {OURS: lambda session: _our_round(index, session)}
    built = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in options.peers:
            started = time.perf_counter()
            sides[name] = PEERS[name](vectors, bundle.manifest.index, Path(folder))
            built[name] = round(time.perf_counter() - started, 1)
            print(f"{count:,}: {name} built in {built[name]} s")
        seconds = _take_turns(sides, sessions, options.repeat, options.seconds)
        found = {
            name: np.mean(
                [len(best & set(side(one)[:SIMILAR])) / SIMILAR for one, best in zip(sessions, truth, strict=True)]
            )
            for name, side in sides.items()
            if name != "article"  # another preference: the last like weighs half
        }
    ours = np.median(seconds[OURS])
    return {
        name: {
            **summary(taken),
            "rounds": len(taken),
            "to_ours": round(float(np.median(taken) / ours), 3),
            "found": round(float(found[name]), 4) if name in found else None,
            "build_s": built.get(name),
        }
        for name, taken in seconds.items()
    }


def _session(index: HnswIndex, number: int, rounds: int) -> Session:
    """A shopper who likes the first two of every page."""
    rng = random.Random(number)
    state = SessionState(number.to_bytes(8, "big"), "0" * 32)
    for _ in range(rounds):
        if state.rounds:
            state = state.answer(state.rounds[-1].shown[:2], (), index)
        state = state.show([pick.label for pick in next_page(state, _WANTED, index, rng)])
    first, second = state.rounds[-1].shown[:2]
    return Session(state, (first, second), state.shown)


def _our_round(index: HnswIndex, session: Session) -> list[int]:
    answered = session.state.answer(session.liked, (), index)
    return [pick.label for pick in next_page(answered, _WANTED, index, random.Random(0))]


def _nearest_unseen(vectors: NDArray[np.float32], session: Session) -> set[int]:
    scores = vectors @ vectors[[*session.state.liked, *session.liked]].mean(axis=0)
    scores[list(session.seen)] = -np.inf
    return set(np.argsort(-scores)[:SIMILAR].tolist())


def _take_turns(
    sides: Mapping[str, Callable[[Session], list[int]]], sessions: list[Session], repeat: int, limit: float
) -> dict[str, NDArray[np.float64]]:
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for name, side in sides.items():
        page = side(sessions[0])  # the first call of a library may load what later ones need not
        assert len(set(page)) == COUNT, f"{name} shows {len(set(page))} products"
        assert not set(page) & sessions[0].seen, f"{name} shows a product again"
    for turn in range(repeat):
        for name, side in sides.items():
            if sum(seconds[name]) < limit:
                started = time.process_time()
                side(sessions[turn % SHOPPERS])
                seconds[name].append(time.process_time() - started)
    return {name: np.asarray(taken) for name, taken in seconds.items()}


def _print(measured: dict[int, dict[str, Any]]) -> None:
    header = ("products", "library", "ms (p90)", "to vitrine", "found", "built in s", "rounds")
    rows = [
        (
            f"{count:,}",
            name,
            f"{side['median_ms']:.3f} ({side['p90_ms']:.3f})",
            f"{side['to_ours']:.2f}",
            "" if side["found"] is None else f"{side['found']:.3f}",
            "" if side["build_s"] is None else f"{side['build_s']:.1f}",
            f"{side['rounds']}",
        )
        for count, one in measured.items()
        for name, side in one.items()
    ]
    charts.print_table(header, rows)


def _plot(out: Path, measured: dict[int, dict[str, Any]]) -> Path:
    return charts.write_log_bars(
        out,
        "peers",
        "Choosing one page, by library (no HTTP)",
        "ms, median",
        {
            f"{count:,} products": {name: side["median_ms"] for name, side in one.items()}
            for count, one in measured.items()
        },
    )


def _parse_options() -> argparse.Namespace:
    parser = new_parser(__doc__, SIZES)
    add = parser.add_argument
    add("--peers", nargs="+", choices=PEERS, default=list(PEERS), metavar="NAME", help="libraries (default: all)")
    add("--rounds", type=int, default=10, metavar="R", help="pages shown before the round measured (default: 10)")
    add("--repeat", type=int, default=400, metavar="T", help="rounds of each library at most (default: 400)")
    add("--seconds", type=float, default=20, metavar="S", help="time of each library at most (default: 20)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
