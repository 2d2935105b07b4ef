"""How well words learned from a shop find photos that no text describes.

    python -m export.bench.words PHOTOS

PHOTOS is a directory whose sub-directories are classes. Some photos get their class's name as a title, the others
nothing, and all are published. On photos that never have a title, the same in every row: how often the name of a
photo's class predicts it better than the names of all other classes do, and which share of the ten products that a text
search for a class's name finds among them is of that class. Beside it, from the same titles and without words: the
class of most of the ten nearest titled photos.
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

from export.bench.line_plot import plot_lines
from export.bench.results import DEFAULT_OUT, INK, MUTED, OURS, TARGET, write_json
from export.bench.shop_vectors import shop_vectors
from export.bench.synthetic import publish_vectors
from export.embedded import EMBEDDED_ENCODER
from export.photos.read_catalog import CatalogRow, read_catalog
from handler.manifest import WORDS_FILE
from handler.open_bundle import OpenBundle
from handler.products.labels import LabelSet
from handler.stores.store import DirectoryStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from handler.photos.projection import Projection

K = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("photos", type=Path)
    add("--titled", type=int, nargs="+", default=[280, 700, 1_400, 2_800], metavar="N", help="photos that have a title")
    add("--held-out", type=int, default=60, metavar="N", help="photos of each class that never have a title")
    add("--wrong", type=float, default=0.0, help="share of titles that name a wrong class (default: %(default)s)")
    add("--seed", type=int, default=0)
    add("--model", type=Path, default=EMBEDDED_ENCODER, help="an encoder that `vitrine export` wrote")
    add("--work", type=Path, default=Path(tempfile.gettempdir()) / "vitrine-bench", help="keeps embeddings")
    add("--out", type=Path, default=DEFAULT_OUT, help="directory for the JSON and the plot (default: %(default)s)")
    arguments = parser.parse_args()
    shop = _Shop.embed(arguments.photos, arguments.model, arguments.work, arguments.held_out, arguments.seed)
    results = [shop.measure(titled, arguments.wrong) for titled in arguments.titled]
    path = write_json(arguments.out, "words", {"wrong": arguments.wrong, "results": results})
    table = Table(
        "titled",
        "bytes of vectors",
        "zero-shot accuracy",
        f"precision@{K}",
        f"{K} nearest titled",
        "accuracy to nearest",
    )
    for one in results:
        shares = (f"{one[name]:.3f}" for name in ("accuracy", "precision", "nearest"))
        table.add_row(f"{one['titled']:,}", f"{one['file']:,}", *shares, f"{one['accuracy'] / one['nearest']:.2f}")
    Console(width=100).print(table)
    print(f"Written: {path}, {_plot(results, len(shop.names), arguments.out)}")  # noqa: T201


class _Shop:
    """Embedded photos with their classes, of which some are held out."""

    def __init__(
        self,
        rows: Sequence[CatalogRow],
        vectors: NDArray[np.float32],
        projection: Projection | None,
        model: Path,
        held_out: int,
        seed: int,
    ) -> None:
        self.rows, self.vectors, self.projection, self.model = rows, vectors, projection, model
        self.names, self.classes = np.unique([str(row.fields["category"]) for row in rows], return_inverse=True)
        self.rng = np.random.default_rng(seed)
        everyone = np.arange(len(rows))
        of_class = (self.rng.permutation(everyone[self.classes == one]) for one in range(len(self.names)))
        self.held_out = np.sort(np.concatenate([members[:held_out] for members in of_class]))
        self.others = self.rng.permutation(np.setdiff1d(everyone, self.held_out))

    @classmethod
    def embed(cls, photos: Path, model: Path, work: Path, held_out: int, seed: int) -> _Shop:
        shop = shop_vectors(read_catalog(photos), model, work)
        return cls(shop.rows, shop.vectors, shop.projection, model, held_out, seed)

    def measure(self, titled: int, wrong: float) -> dict[str, Any]:
        """Publish a bundle in which `titled` photos have a title, a share of them a wrong one, and search it."""
        chosen = self.others[:titled]
        named = self.classes.copy()
        liars = self.rng.random(len(named)) < wrong
        named[liars] = (named[liars] + self.rng.integers(1, len(self.names), liars.sum())) % len(self.names)
        titles = {int(place): {"title": str(self.names[named[place]])} for place in chosen}
        rows = [CatalogRow(row.id, row.image, titles.get(place, {})) for place, row in enumerate(self.rows)]
        with tempfile.TemporaryDirectory() as directory:
            store = Path(directory)
            publish_vectors(store, rows, self.vectors, self.model, Progress(disable=True), self.projection)
            opened = DirectoryStore(store)
            bundle = OpenBundle(opened, opened.current().version)
            return {"titled": titled, **self._search(bundle), "nearest": self._nearest(chosen, named)}

    def _search(self, bundle: OpenBundle) -> dict[str, Any]:
        search, info = bundle.text_search, bundle.manifest
        labels = bundle.catalog.labels_of([row.id for row in self.rows])
        class_of = {labels[row.id]: str(self.names[one]) for row, one in zip(self.rows, self.classes, strict=True)}
        held_out = [labels[self.rows[place].id] for place in self.held_out]
        _, vectors = bundle.index.vectors(held_out)
        directions = [search.direction(name) for name in self.names]
        scores = np.column_stack(
            [np.full(len(vectors), -np.inf) if one is None else vectors @ one for one in directions]
        )
        found = [search.find(name, K, allowed=LabelSet(np.asarray(held_out))) for name in self.names]
        right = [class_of[one.label] == name for name, best in zip(self.names, found, strict=True) for one in best]
        return {
            "file": info.files[WORDS_FILE].size if WORDS_FILE in info.files else 0,
            "accuracy": float((scores.argmax(axis=1) == self.classes[self.held_out]).mean()),
            "precision": float(np.sum(right)) / (K * len(self.names)),
        }

    def _nearest(self, chosen: NDArray[np.int64], named: NDArray[np.int64]) -> float:
        """Accuracy of the class that most of the K nearest titled photos are called by."""
        nearest = np.argsort(-(self.vectors[self.held_out] @ self.vectors[chosen].T), axis=1)[:, :K]
        votes = np.apply_along_axis(np.bincount, 1, named[chosen][nearest], minlength=len(self.names))
        return float((votes.argmax(axis=1) == self.classes[self.held_out]).mean())


def _plot(results: Sequence[dict[str, Any]], classes: int, out: Path) -> Path:
    """`<out>/words.png`: accuracy and precision by the number of titled photos."""
    lines = (
        ("accuracy", "zero-shot accuracy", OURS),
        ("precision", f"precision@{K} of a search", INK),
        ("nearest", f"{K} nearest titled photos, no words", MUTED),
    )
    chance = (1 / classes, "chance", TARGET)
    return plot_lines(
        out / "words.png", results, "titled", lines, level=chance, xlabel="photos with a title", ylim=(0, 1)
    )


if __name__ == "__main__":
    main()
