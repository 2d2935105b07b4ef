"""The encoder is the index's own, opened late, once, and in nobody's way."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pytest

from handler.api.app import create_app
from handler.errors import BundleCorrupt, BundleNotFound
from handler.runtime import Runtime
from handler.settings import Settings
from tests.conftest import KEY
from tests.handler.photo_files import as_body, as_json, photo
from tests.live import serving

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("gateway")


def test_the_encoder_is_opened_once_and_only_when_a_photo_comes(
    bundles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import handler.photos.encoder

    opened = []
    real = handler.photos.encoder.Encoder
    monkeypatch.setattr(
        "handler.photos.encoder.Encoder", lambda path, **options: (opened.append(path), real(path, **options))[1]
    )
    bundle = Runtime(Settings(bundles=str(shutil.copytree(bundles, tmp_path / "b")), signing_keys=(KEY,))).bundle()
    assert opened == []
    start = threading.Barrier(4)

    def embed(_: int) -> Any:
        start.wait()
        return bundle.embed_photo(photo())

    with ThreadPoolExecutor(4) as pool:
        vectors = list(pool.map(embed, range(4)))
    assert len(opened) == 1
    assert all(np.array_equal(vector, vectors[0]) for vector in vectors)
    assert np.linalg.norm(vectors[0]) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("damage", ["changed", "gone", "spec"])
def test_an_encoder_that_differs_from_the_index_is_not_opened_and_pages_still_work(
    bundles: Path, tmp_path: Path, damage: str
) -> None:
    store = shutil.copytree(bundles, tmp_path / "bundles")
    encoder = next((store / "models").glob("*/encoder.onnx"))
    if damage == "gone":
        encoder.unlink()
    elif damage == "changed":
        encoder.write_bytes(encoder.read_bytes()[:-1] + b"!")
    else:
        (encoder.parent / "preprocess.json").write_text("{}")
    bundle = Runtime(Settings(bundles=str(store), signing_keys=(KEY,))).bundle()
    assert len(bundle.index.everything) == 80
    with pytest.raises(BundleNotFound if damage == "gone" else BundleCorrupt):
        bundle.embed_photo(photo())


def test_pages_are_served_while_a_photo_is_embedded(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """The encoder keeps a core busy for a while; the event loop must not be what it keeps busy."""
    looking, done = threading.Event(), threading.Event()
    vector = runtime.bundle().embed_photo(photo())

    def slowly(*_: object) -> Any:
        looking.set()
        assert done.wait(20)
        return vector

    monkeypatch.setattr("handler.open_bundle.OpenBundle.embed_photo", slowly)
    with serving(create_app(runtime)) as url, ThreadPoolExecutor(1) as pool:
        search = pool.submit(httpx.post, f"{url}/v1/search/image", files={"image": photo()}, timeout=30)
        assert looking.wait(20)
        assert httpx.post(f"{url}/v1/sessions", json={}, timeout=20).status_code == 200
        assert not search.done()
        done.set()
        assert search.result().status_code == 200


ONE_PHOTO = """
import json, sys
from handler.lambda_entry import handler

answers = [handler(one, None) for one in json.load(sys.stdin)]
loaded = [name for name in ("PIL", "onnxruntime") if name in sys.modules]
print(json.dumps({"statuses": [one["statusCode"] for one in answers], "loaded": loaded}))
"""


@pytest.mark.parametrize("valid", [True, False])
def test_only_a_photo_that_is_one_loads_the_encoder(bundles: Path, valid: bool) -> None:
    """Who guesses at tokens or sends the wrong kind of body must not make us open a model."""
    events = [as_json(photo())] if valid else [as_json(photo(), session="AA.AA"), as_body(photo(), "image/jpeg")]
    done = subprocess.run(
        [sys.executable, "-c", ONE_PHOTO],
        input=json.dumps(events),
        env={**os.environ, "VITRINE_BUNDLES": str(bundles), "VITRINE_SIGNING_KEYS": KEY, "VITRINE_EVENTS": "off"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer == (
        {"statuses": [200], "loaded": ["PIL", "onnxruntime"]} if valid else {"statuses": [403, 415], "loaded": []}
    )
