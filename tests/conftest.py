"""What every test can build on: photos, an encoder and a published bundle, all real and all small."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from rich.progress import Progress

from export.index_catalog import index_catalog
from export.photos.read_catalog import read_catalog
from export.store.collections import Collections
from handler.local.local_state import LocalState
from handler.runtime import Runtime
from handler.settings import Settings
from handler.stores.store import DirectoryStore
from tests.s3_servers import bucket, moto_endpoint, s3, seaweed_endpoint  # noqa: F401  fixtures for all
from tests.tiny_encoder import write_tiny_encoder

if TYPE_CHECKING:
    from pathlib import Path

    from export.index_catalog import IndexReport

KEY = "k" * 32
MILVUS = os.environ.get("MILVUS_FOR_TESTS")
"""The address of a Milvus server that every bundle goes to; scripts/check-milvus starts one for some of the tests."""
COLOURS = {"red": (200, 40, 40), "green": (40, 160, 70), "blue": (50, 70, 200), "sand": (220, 200, 160)}
PER_COLOUR = 20


def pytest_configure() -> None:
    """Prepare the process before a test module imports torch.

    Tests press Ctrl-C in processes of their own; a shell's `ignore it` for background jobs must not reach those.
    OpenMP's threads wait for each other in busy loops: with a test process on every core, a second thread made training
    a tiny model take six times the processor time.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def draw_photos(folder: Path, per_colour: int = PER_COLOUR, seed: int = 7) -> Path:
    """`<folder>/<colour>/<nn>.jpg` and `<folder>/catalog.jsonl`: noisy blocks of a colour, with fields."""
    rng = np.random.default_rng(seed)
    records = []
    for colour, rgb in COLOURS.items():
        (folder / colour).mkdir(parents=True, exist_ok=True)
        for number in range(per_colour):
            pixels = np.clip(rng.normal(rgb, 30, (40, 30, 3)) + rng.normal(0, 25, 3), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).resize((60, 80)).save(folder / colour / f"{number:02}.jpg", quality=90)
            records.append(
                {
                    "id": f"{colour}-{number:02}",
                    "image": f"{colour}/{number:02}.jpg",
                    "name": f"{colour.title()} no. {number}",
                    "colour": colour,
                    "price": 10.0 + number,
                    "in_stock": number % 5 != 0,
                }
            )
    (folder / "catalog.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    return folder


def run_index(source: Path, bundles: Path, encoder: Path) -> IndexReport:
    """What `vitrine index` does, without a terminal."""
    catalog = read_catalog(source)
    state = LocalState(bundles)
    store = DirectoryStore(bundles)
    report = index_catalog(
        catalog,
        store,
        encoder,
        state.embedding_cache,
        Progress(disable=True),
        collections=Collections.at(MILVUS, store.address) if MILVUS else None,
    )
    state.remember_photos(catalog.root)
    return report


@pytest.fixture(scope="session")
def encoder_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real ONNX encoder of a few kilobytes (see tests/tiny_encoder.py)."""
    return write_tiny_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """80 photos in four directories and the product table `catalog.jsonl`. Read only."""
    return draw_photos(tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="session")
def bundles(photos: Path, encoder_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one published bundle of the 80 products. Read only."""
    store = tmp_path_factory.mktemp("bundles")
    run_index(photos / "catalog.jsonl", store, encoder_directory)
    return store


@pytest.fixture
def settings(bundles: Path) -> Settings:
    return Settings(bundles=str(bundles), signing_keys=(KEY,), index=MILVUS)


@pytest.fixture
def runtime(settings: Settings) -> Runtime:
    return Runtime(settings)
