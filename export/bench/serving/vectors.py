"""What stored vectors cost: hnswlib's float32, and usearch's float32, float16 and int8, at full and fewer dimensions.

For each: bytes of the file a product, CPU time to build and to open it, memory after 100 queries in a fresh process,
recall@10 and CPU time of a search. Queries are single products and means of two, three and five. A graph gets Vitrine's
M and ef_construction, and the smallest ef of its ladder that finds 0.99 of the ten true nearest for the worst of these
kinds; where none does, the smallest within 0.002 of the best.

found   recall against exact float32 of the same dimensions: what the graph and the stored numbers lose
kept    recall against exact float32 of all dimensions: what dropping dimensions loses besides
load    copies the file into memory; hnswlib's includes the checks of a crafted file, usearch's has none
view    maps the file; pages of it count as mapped memory, which the kernel can drop

Files are built once and kept in --work. Opening reads from the page cache.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from export.bench.results import write_json
from export.bench.serving.bench_parser import new_parser
from export.bench.serving.timing import interleave, ratio_of_medians, summary
from export.bench.serving.vector_files import KINDS, Kind, Mode, build_file, largest, open_file
from export.bench.serving.vectors_table import plot_rows, print_rows
from export.bench.synthetic import DIM, clustered_vectors
from export.bundle.build_index import IndexParameters
from export.bundle.check_recall import EF_LADDER, FLOOR, LIKED, SAME_SCORE, K, shoppers_queries, tenth_best_scores
from export.bundle.fit_projection import fit_projection
from handler.manifest import IndexInfo, Recall

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from export.bench.serving.vector_files import Search

SIZES = (10_000,)
DIMS = (DIM, 128)
_QUERIES_BEFORE_MEMORY = 100
_AS_GOOD = 0.002


class Space(NamedTuple):
    """A catalog's vectors with some of their dimensions, and shoppers' queries."""

    vectors: NDArray[np.float32]
    queries: NDArray[np.float32]
    tenth_best: NDArray[np.float32]

    @classmethod
    def of(cls, vectors: NDArray[np.float32]) -> Space:
        queries = shoppers_queries(vectors)  # of the same products at every dimension
        return cls(vectors, queries, tenth_best_scores(queries, vectors))

    def recalls(self, found: Sequence[list[int]]) -> dict[str, float]:
        """Recall@10 of `found`, the labels for each query, by how many products a query is the mean of."""
        hits = [
            np.mean(self.vectors[labels] @ query >= tenth - SAME_SCORE)
            for labels, query, tenth in zip(found, self.queries, self.tenth_best, strict=True)
        ]
        return {str(liked): round(float(np.mean(hits[place :: len(LIKED)])), 4) for place, liked in enumerate(LIKED)}


def main() -> None:
    options = _parse_options()
    measured = {count: _measure(options, count) for count in options.products}
    path = write_json(options.out, "vectors", {"sizes": measured})
    for count, rows in measured.items():
        print_rows(count, rows)
    print(f"\nWritten: {path}, {plot_rows(options.out, measured)}")


def _measure(options: argparse.Namespace, count: int) -> list[dict[str, Any]]:
    raw = clustered_vectors(count)
    spaces = {dim: Space.of(_projected(raw, dim)) for dim in {DIM, *options.dims}}
    del raw
    folder = options.work / f"vectors-{count}"
    folder.mkdir(parents=True, exist_ok=True)
    rows, sides = [], {}
    for dim in options.dims:
        for name in options.kinds:
            row = _describe(name, spaces[dim], spaces[DIM], folder, options.repeat_open)
            print(f"{count:,} products: {dim} dimensions, {name} measured", flush=True)
            search = open_file(KINDS[name], KINDS[name].modes[-1], Path(row["path"]), _info(row), row["limit"])
            sides[f"{dim} {name}"] = partial(_turn, search, spaces[dim].queries)
            rows.append(row)
    taken = interleave(sides, options.repeat)
    reference = next(iter(taken.values()))
    return [
        {**row, "search": summary(one), "to_first": ratio_of_medians(one, reference)}
        for row, one in zip(rows, taken.values(), strict=True)
    ]


def _turn(search: Search, queries: NDArray[np.float32], turn: int) -> list[int]:
    return search(queries[turn % len(queries)], K)


def _projected(raw: NDArray[np.float32], dim: int) -> NDArray[np.float32]:
    """The vectors that `vitrine index --dim` stores."""
    projection = fit_projection(raw, dim=dim)
    assert projection is not None
    return projection.apply(raw)


def _describe(name: str, space: Space, full: Space, folder: Path, repeat: int) -> dict[str, Any]:
    kind = KINDS[name]
    count, dim = space.vectors.shape
    path = folder / f"{dim} {name}.index".replace(" ", "-")
    row = {"kind": name, "dim": dim, "products": count, "path": str(path), "limit": largest(space.vectors)}
    row["build_s"] = _built(kind, space.vectors, path)
    row["bytes_a_product"] = round(path.stat().st_size / count, 1)
    row["ef"], found = _choose_ef(kind, row, space)
    row["found"], row["kept"] = space.recalls(found), full.recalls(found)
    row["opened"] = {mode: _opened(row, mode, space.queries[:_QUERIES_BEFORE_MEMORY], repeat) for mode in kind.modes}
    return row


def _built(kind: Kind, vectors: NDArray[np.float32], path: Path) -> float:
    """CPU seconds that building the file took, now or in an earlier run."""
    kept = path.with_suffix(".json")
    if not kept.exists():
        started = time.process_time()
        build_file(kind, vectors, _index_info(vectors.shape, EF_LADDER[0]), path)
        kept.write_text(json.dumps(round(time.process_time() - started, 1)))
    seconds: float = json.loads(kept.read_text())
    return seconds


def _choose_ef(kind: Kind, row: Mapping[str, Any], space: Space) -> tuple[int, list[list[int]]]:
    """The ef to measure with, and what a search with it finds for each query."""
    tried: dict[int, tuple[float, list[list[int]]]] = {}
    for ef in EF_LADDER:
        info = _index_info(space.vectors.shape, ef)
        search = open_file(kind, kind.modes[-1], Path(row["path"]), info, row["limit"])
        found = [search(query, K) for query in space.queries]
        tried[ef] = min(space.recalls(found).values()), found
        if tried[ef][0] >= FLOOR:
            return ef, found
    best = max(recall for recall, _ in tried.values())
    return next((ef, found) for ef, (recall, found) in tried.items() if recall >= best - _AS_GOOD)


def _opened(row: Mapping[str, Any], mode: Mode, queries: NDArray[np.float32], repeat: int) -> dict[str, float]:
    """Medians of `repeat` fresh processes; see open_vectors."""
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "queries.npy"
        np.save(kept, queries)
        asked = {key: row[key] for key in ("kind", "path", "limit")}
        asked |= {"mode": mode, "info": _info(row).model_dump(), "queries": str(kept)}
        command = [sys.executable, "-m", "export.bench.serving.open_vectors", json.dumps(asked)]
        answers = [
            json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout) for _ in range(repeat)
        ]
    return {key: round(float(np.median([one[key] for one in answers])), 5) for key in answers[0]}


def _info(row: Mapping[str, Any]) -> IndexInfo:
    return _index_info((row["products"], row["dim"]), row["ef"])


def _index_info(shape: tuple[int, ...], ef: int) -> IndexInfo:
    count, dim = shape
    parameters = IndexParameters().to_try(count)[0]
    return IndexInfo(
        dim=dim,
        count=count,
        m=parameters.links,
        ef_construction=parameters.ef_construction,
        ef=ef,
        recall=Recall(k=K, queries=1, value=0),
    )


def _parse_options() -> argparse.Namespace:
    parser = new_parser(__doc__, SIZES)
    add = parser.add_argument
    add("--kinds", nargs="+", choices=KINDS, default=list(KINDS), metavar="KIND", help=f"of {', '.join(KINDS)}")
    add("--dims", type=int, nargs="+", default=DIMS, metavar="D", help="dimensions kept (default: %(default)s)")
    add("--repeat", type=int, default=300, metavar="T", help="searches of each, in turns (default: 300)")
    add("--repeat-open", type=int, default=3, metavar="T", help="fresh processes of each (default: 3)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
