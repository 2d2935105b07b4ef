"""What tuning to a shop gains: neighbors of the same class, before and after, on products that it has not seen.

    python -m export.bench.tuning PHOTOS

PHOTOS is a directory whose sub-directories are classes. Half of each class is a shop; the vectors are tuned to its
classes (`vitrine tune --by`) and to the likes of simulated sessions (`--by-events`), and precision@10 is measured among
the other half. The shoppers are noisy and judge by class, color and texture. Then three classes are kept out of the
shop, and their products look for neighbors among all. `kept` is the verdict of the trial on the shop's own products.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from export.bench.bench_catalog import BenchCatalog
from export.bench.log_sessions import log_sessions
from export.bench.plain_judge import judge_plainly
from export.bench.prepare import KNOWN_KEY
from export.bench.results import DEFAULT_OUT, INK, MUTED, OURS, write_json
from export.bench.sample_products import sample_products
from export.bench.shop_vectors import shop_vectors
from export.bench.shoppers import parse_shoppers
from export.bench.synthetic import publish_vectors
from export.bundle.event_log import read_event_log
from export.bundle.tune_projection import tuned
from export.bundle.tune_to_choices import choices_of, fit_to_choices, try_choices
from export.bundle.tune_to_groups import fit_to_groups, precision, try_groups
from export.embedded import EMBEDDED_ENCODER
from export.photos.read_catalog import CatalogRow, CatalogSource, read_catalog
from export.terminal import progress_bar
from handler.errors import CatalogError
from handler.open_bundle import OpenBundle
from handler.stores.store import DirectoryStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from export.bench.shoppers import Shopper
    from export.bundle.tune_projection import Trial
    from handler.photos.projection import Projection

QUIET = Progress(disable=True)
UNSEEN_CLASSES = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("photos", type=Path)
    add("--products", type=int, default=1_200, help="photos to draw, evenly over the classes (default: %(default)s)")
    add("--sessions", type=int, nargs="+", default=[100, 300, 1_000], metavar="N")
    add("--shopper", default="noisy:0.1", help="see `vitrine bench rounds` (default: %(default)s)")
    add("--seed", type=int, default=0)
    add("--model", type=Path, default=EMBEDDED_ENCODER, help="an encoder that `vitrine export` wrote")
    add("--work", type=Path, default=Path(tempfile.gettempdir()) / "vitrine-bench", help="keeps embeddings")
    add("--out", type=Path, default=DEFAULT_OUT, help="directory for the JSON and the plot (default: %(default)s)")
    arguments = parser.parse_args()
    shop = _Photos.embed(arguments.photos, arguments.products, arguments.model, arguments.work, arguments.seed)
    results = shop.measure(arguments.sessions, parse_shoppers(arguments.shopper)[0])
    path = write_json(arguments.out, "tuning", {"shopper": arguments.shopper, "results": results})
    table = Table("tuned to", "held-out products", "held-out classes", "kept")
    for one in results:
        table.add_row(one["to"], f"{one['products']:.3f}", f"{one['classes']:.3f}", one["kept"])
    Console(width=100).print(table)
    print(f"Written: {path}, {_plot(results, arguments.out)}")  # noqa: T201


class _Photos:
    """Embedded and judged photos, divided into a shop and what it has not seen."""

    def __init__(
        self,
        rows: Sequence[CatalogRow],
        vectors: NDArray[np.float32],
        projection: Projection,
        judge: NDArray[np.float32],
        model: Path,
        seed: int,
    ) -> None:
        self.rows, self.vectors, self.projection, self.judge, self.model = rows, vectors, projection, judge, model
        self.names, self.classes = np.unique([str(row.fields["category"]) for row in rows], return_inverse=True)
        rng = np.random.default_rng(seed)
        self.held_out = np.zeros(len(rows), dtype=bool)
        for one in range(len(self.names)):
            members = rng.permutation(np.flatnonzero(self.classes == one))
            self.held_out[members[: len(members) // 2]] = True
        self.unseen = np.isin(self.classes, rng.permutation(len(self.names))[:UNSEEN_CLASSES])

    @classmethod
    def embed(cls, photos: Path, products: int, model: Path, work: Path, seed: int) -> _Photos:
        source = read_catalog(photos)
        source = CatalogSource(source.root, tuple(sample_products(source.rows, products, seed)))
        shop = shop_vectors(source, model, work)
        if shop.projection is None:
            raise CatalogError(f"{len(shop.rows)} photos in {photos} are too few to tune.", field="photos")
        _, categories = np.unique([str(row.fields.get("category")) for row in shop.rows], return_inverse=True)
        with progress_bar(Console(stderr=True)) as progress:
            judge = judge_plainly([source.root / row.image for row in shop.rows], categories, progress)
        return cls(shop.rows, shop.vectors, shop.projection, judge, model, seed)

    def measure(self, sessions: Sequence[int], shopper: Shopper) -> list[dict[str, Any]]:
        dim = self.vectors.shape[1]
        results = [self._result("nothing", (np.eye(dim), np.eye(dim)), None)]
        half, seen = ~self.held_out, ~self.unseen
        trial = try_groups(self.vectors[half], self.classes[half])
        fits = [fit_to_groups(self.vectors[kept], self.classes[kept]) for kept in (half, seen)]
        results.append(self._result("classes", fits, trial))
        for count in sessions:
            choices = [self._choices(kept, shopper, count) for kept in (half, seen)]
            trial = try_choices(self.vectors, choices[0])
            fits = [fit_to_choices(self.vectors, some) for some in choices]
            results.append(self._result(f"{count} sessions", fits, trial))
        return results

    def _choices(self, shop: NDArray[np.bool_], shopper: Shopper, count: int) -> list[Any]:
        """Play `count` sessions in a shop of the photos in `shop` (n,), and read its log."""
        places = np.flatnonzero(shop).tolist()
        rows = [CatalogRow(self.rows[place].id, self.rows[place].image, {}) for place in places]
        with tempfile.TemporaryDirectory() as directory:
            store, log = Path(directory) / "bundles", Path(directory) / "events.jsonl"
            publish_vectors(store, rows, self.vectors[places], self.model, QUIET, self.projection)
            ids = tuple(row.id for row in rows)
            own = BenchCatalog("shop", ids, self.classes[places], self.judge[places], {"": store}, KNOWN_KEY)
            log_sessions(log, own, shopper, count)
            bundle = OpenBundle(DirectoryStore(store), DirectoryStore(store).current().version)
            labels = bundle.catalog.labels_of(ids)
            events = read_event_log(log)
        row_of = {labels[row.id]: place for row, place in zip(rows, places, strict=True)}
        return choices_of(events.sessions, row_of)

    def _result(self, to: str, fits: Sequence[NDArray[np.float64]], trial: Trial | None) -> dict[str, Any]:
        """Precision@10 with the matrices of `fits`: one fitted to half of the products, one to the classes seen."""
        half, seen = fits
        everything = np.ones(len(self.classes), dtype=bool)
        return {
            "to": to,
            "products": precision(tuned(self.vectors, half), self.classes, self.held_out, self.held_out),
            "classes": precision(tuned(self.vectors, seen), self.classes, self.unseen, everything),
            "kept": "" if trial is None else "yes" if trial.wins else "no",
            "trial": None if trial is None else {"products": trial.products, "groups": trial.groups},
        }


def _plot(results: Sequence[dict[str, Any]], out: Path) -> Path:
    """`<out>/tuning.png`: bars of both precisions."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    places = np.arange(len(results))
    for offset, key, color in ((-0.2, "products", OURS), (0.2, "classes", MUTED)):
        heights = [one[key] for one in results]
        bars = axes.bar(places + offset, heights, 0.38, color=color, label=f"held-out {key}")
        axes.bar_label(bars, [f"{height:.2f}" for height in heights], fontsize=8, color=INK)
    axes.set(ylabel="precision@10", ylim=(0, 1))
    axes.set_xticks(places, [one["to"] for one in results])
    axes.legend(frameon=False, fontsize=9, ncols=2)
    path = out / "tuning.png"
    figure.savefig(path, dpi=80)
    plt.close(figure)
    return path


if __name__ == "__main__":
    main()
