"""The same encoder for OpenVINO: exported, judged, indexed with and served like any other."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest

from export.bundle.write_bundle import describe_model
from export.model.check_parity import FLOORS
from export.model.join import join_encoders
from export.reindex.encoders import fetch_encoder
from handler.errors import BundleCorrupt, ConfigurationError, ExportError, ModelUnsupported
from handler.model_files import model_key
from handler.open_bundle import OpenBundle
from handler.photos.encoder import OPENVINO_FILE, OPENVINO_WEIGHTS_FILE, SPEC_FILE, Encoder
from handler.photos.openvino_session import TOGETHER
from handler.stores.store import DirectoryStore
from tests.conftest import run_index
from tests.export.model.tiny_models import SIDE, run, write_checkpoint
from tests.tiny_encoder import write_tiny_encoder

if TYPE_CHECKING:
    from pathlib import Path

    from export.model.export_model import ExportReport

FILES = {SPEC_FILE, OPENVINO_FILE, OPENVINO_WEIGHTS_FILE}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, tiny_photos: Path) -> ExportReport:
    """One block, written over an encoder for onnxruntime."""
    pytest.importorskip("openvino", reason="needs the extra openvino")
    pytest.importorskip("nncf", reason="needs the extra openvino")
    root = tmp_path_factory.mktemp("openvino")
    checkpoint = write_checkpoint("vit", root / "vit", spread=0.2)
    write_tiny_encoder(root / "out")
    return run(checkpoint, root / "out", tiny_photos, precision="int8", runtime="openvino", layers=1)


def pixels(count: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((count, 3, SIDE, SIDE), dtype=np.float32)


def test_the_export_passes_the_gate_and_replaces_the_files_of_another_runtime(exported: ExportReport) -> None:
    assert exported.parity.neighbors_kept >= FLOORS["int8"].neighbors
    assert (exported.spec.runtime, exported.spec.precision) == ("openvino", "int8")
    assert {path.name for path in exported.directory.iterdir()} == FILES
    sizes = [(exported.directory / name).stat().st_size for name in FILES - {SPEC_FILE}]
    assert exported.file_bytes == sum(sizes)
    assert b'element_type="i8"' in (exported.directory / OPENVINO_FILE).read_bytes()


def test_vectors_depend_neither_on_the_batch_nor_on_other_threads(exported: ExportReport) -> None:
    encoder, given = Encoder(exported.directory, threads=1), pixels(2 * TOGETHER + 3)
    together = encoder.encode(given)
    assert encoder.together == TOGETHER
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)
    with ThreadPoolExecutor(4) as pool:
        alone = list(pool.map(lambda one: encoder.encode(one[None])[0], given))
    np.testing.assert_array_equal(together, np.stack(alone))
    assert encoder.encode(given[:0]).shape == (0, encoder.spec.dim)


def test_a_catalog_is_indexed_and_searched_with_it(exported: ExportReport, photos: Path, tmp_path: Path) -> None:
    run_index(photos, tmp_path / "bundles", exported.directory)
    store = DirectoryStore(tmp_path / "bundles")
    bundle = OpenBundle(store, store.current().version)
    assert set(bundle.manifest.model.files) == FILES
    labels = bundle.index.everything.labels.tolist()
    product = bundle.catalog.by_labels(labels)[labels[0]]
    (nearest,) = bundle.index.nearest(bundle.embed_photo((photos / product.image).read_bytes()), 1)
    assert (nearest.label, nearest.score) == (labels[0], pytest.approx(1, abs=1e-3))
    fingerprint = bundle.manifest.model.fingerprint
    fetched = fetch_encoder(store, fingerprint, tmp_path / "fetched")
    assert describe_model(fetched).fingerprint == fingerprint
    (tmp_path / "bundles" / model_key(fingerprint, OPENVINO_WEIGHTS_FILE)).unlink()
    with pytest.raises(ConfigurationError, match=OPENVINO_WEIGHTS_FILE):
        fetch_encoder(store, fingerprint, tmp_path / "again")


def test_damaged_files_are_corrupt(exported: ExportReport, tmp_path: Path) -> None:
    for name in FILES:
        (tmp_path / name).write_bytes((exported.directory / name).read_bytes())
    (tmp_path / OPENVINO_FILE).write_text("<net>")
    with pytest.raises(BundleCorrupt, match=r"encoder\.xml"):
        Encoder(tmp_path)


def test_only_encoders_for_onnxruntime_are_joined(exported: ExportReport, tmp_path: Path) -> None:
    with pytest.raises(ModelUnsupported, match="exported for openvino"):
        join_encoders([exported.directory] * 2, tmp_path / "joined", [1, 1])


def test_openvino_takes_int8_only(exported: ExportReport, tiny_photos: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="--precision int8"):
        run(exported.directory.with_name("vit"), tmp_path / "out", tiny_photos, precision="w8", runtime="openvino")


def test_bfloat16_is_an_option_that_the_files_carry(exported: ExportReport, tmp_path: Path) -> None:
    """Vectors change where the CPU has bfloat16, and only there."""
    from openvino import Core

    directory = shutil.copytree(exported.directory, tmp_path / "bfloat16")
    spec = exported.spec.model_copy(update={"bfloat16": True})
    (directory / SPEC_FILE).write_text(spec.model_dump_json())
    given = pixels(3)
    vectors, exact = Encoder(directory, threads=1).encode(given), Encoder(exported.directory, threads=1).encode(given)
    assert (vectors * exact).sum(axis=1).min() > 0.99
    assert np.array_equal(vectors, exact) == ("BF16" not in Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"))


def test_onnxruntime_does_not_take_bfloat16(tiny_photos: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="--runtime openvino"):
        run("no-such-checkpoint", tmp_path / "out", tiny_photos, precision="int8", bfloat16=True)


def test_a_missing_package_is_named_before_any_work(
    tiny_photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from export.model import openvino_int8

    monkeypatch.setattr(openvino_int8, "_EXTRA", ("no_such_openvino",))
    with pytest.raises(ExportError, match=r"no_such_openvino.*scripts/setup export openvino"):
        run("no-such-checkpoint", tmp_path / "out", tiny_photos, precision="int8", runtime="openvino")
