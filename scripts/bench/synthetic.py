"""Catalogues of any size for the benchmarks: made-up vectors and products in a real, published bundle."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.progress import Progress

from export.assign_labels import NO_LABELS, assign_labels
from export.build_index import IndexParameters
from export.publish import publish
from export.read_catalog import CatalogRow
from export.write_bundle import describe_model, digest_contents, write_bundle
from handler.encoder import ENCODER_FILE, SPEC_FILE, EncoderSpec
from handler.images import Preprocessing
from handler.store import DirectoryStore

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIM = 384
DEFAULT_WORK = Path(tempfile.gettempdir()) / "vitrine-bench"
_LAYOUT = 1  # raise it when bundles cached by an older script cannot be used any more
_LATENT = 32
_PER_CLUSTER = 50


def clustered_vectors(count: int, dim: int = DIM, seed: int = 0) -> NDArray[np.float32]:
    """Unit vectors (count, dim) that lie like a shop's: some 50 variants about each of many centres, all of them in a
    few tens of directions, with a little noise in the others. Uniformly random ones would have no neighbours to find.
    """
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(max(1, count // _PER_CLUSTER), _LATENT))
    latent = centres[rng.integers(len(centres), size=count)] + 0.5 * rng.normal(size=(count, _LATENT))
    spread = rng.normal(size=(_LATENT, dim)) / np.sqrt(_LATENT)
    vectors = latent @ spread + 0.1 * rng.normal(size=(count, dim)) + rng.normal(size=dim)
    unit: NDArray[np.float32] = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return unit


def product_rows(count: int, seed: int = 0) -> list[CatalogRow]:
    """Products with the fields of an ordinary shop: name, category, colour, price and stock."""
    rng = np.random.default_rng(seed)
    categories = ("dress", "hat", "longsleeve", "outwear", "pants", "shirt", "shoes", "shorts", "skirt", "t-shirt")
    colours = ("black", "blue", "green", "red", "sand", "white")
    rows = []
    for number in range(count):
        category = categories[int(rng.integers(len(categories)))]
        colour = colours[int(rng.integers(len(colours)))]
        fields = {
            "name": f"{colour.title()} {category} no. {number}",
            "category": category,
            "colour": colour,
            "price": round(float(rng.gamma(3, 20)), 2),
            "in_stock": bool(rng.random() < 0.9),
        }
        rows.append(CatalogRow(f"{category}/{number:06}", f"{category}/{number:06}.jpg", fields))
    return rows


def published_bundle(work: Path, count: int, progress: Progress | None = None) -> Path:
    """A store whose current bundle has `count` products; built by the export side once and kept in `work`."""
    store = work / f"{count}x{DIM}-v{_LAYOUT}"
    if (store / "current.json").exists():
        return store
    work.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(dir=work, prefix=".building-"))
    try:
        _publish(building, count, progress or Progress(disable=True))
        building.rename(store)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return store


def _publish(store: Path, count: int, progress: Progress) -> None:
    model_directory = _stand_in_encoder(store / ".encoder")
    model = describe_model(model_directory)
    rows = product_rows(count)
    labels = assign_labels([row.id for row in rows], NO_LABELS)
    parameters = IndexParameters()
    digests = [hashlib.sha256(row.id.encode()).hexdigest() for row in rows]
    contents = digest_contents(rows, digests, model, parameters)
    with tempfile.TemporaryDirectory(dir=store) as folder:
        staged = write_bundle(
            Path(folder),
            rows,
            clustered_vectors(count),
            labels,
            model,
            model_directory,
            contents,
            parameters,
            progress,
        )
        publish(DirectoryStore(store), staged, None)


def _stand_in_encoder(directory: Path) -> Path:
    """Files in an encoder's place: a bundle has to name a model, and no benchmark of serving opens it."""
    directory.mkdir(parents=True)
    (directory / ENCODER_FILE).write_bytes(b"no model: these vectors were made up")
    spec = EncoderSpec(
        source="synthetic",
        architecture="none",
        pooling="mean",
        precision="fp32",
        dim=DIM,
        preprocessing=Preprocessing(resize=(224, 224), mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),
    )
    (directory / SPEC_FILE).write_text(spec.model_dump_json())
    return directory
