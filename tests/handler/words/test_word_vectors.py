"""Word vectors come back as they were saved, and a file that does not hold them is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from handler.errors import BundleCorrupt
from handler.words.word_vectors import WordVectors
from tests.handler.support import clustered

if TYPE_CHECKING:
    from pathlib import Path

WORDS = ("dress", "größe", "red")


@pytest.fixture
def vectors() -> WordVectors:
    return WordVectors(WORDS, clustered(3, 8, clusters=3).astype(np.float16))


def test_words_come_back_as_they_were(vectors: WordVectors, tmp_path: Path) -> None:
    vectors.save(tmp_path / "words.npz")
    loaded = WordVectors.load(tmp_path / "words.npz", 8)
    assert loaded.words == WORDS
    for words in (["red"], ["red", "größe"], ["unheard", "dress"]):
        one, other = loaded.vector(words), vectors.vector(words)
        assert one is not None
        assert other is not None
        np.testing.assert_array_equal(one, other)
        assert one.dtype == np.float32
        assert np.linalg.norm(one) == pytest.approx(1, abs=1e-6)
    assert loaded.vector(["unheard"]) is None
    assert loaded.vector([]) is None


def test_the_same_words_make_the_same_bytes(vectors: WordVectors, tmp_path: Path) -> None:
    for name in ("one", "other"):
        vectors.save(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_words_that_cancel_out_mean_nothing() -> None:
    opposed = WordVectors(["in", "out"], np.asarray([[1, 0], [-1, 0]], dtype=np.float16))
    assert opposed.vector(["in", "out"]) is None


HALF = np.ones((3, 8), dtype=np.float16)
LINES = np.frombuffer(b"a\nb\nc", dtype=np.uint8)


@pytest.mark.parametrize(
    "arrays",
    [
        {"words": LINES, "vectors": HALF[:, :7]},
        {"words": LINES, "vectors": HALF[:2]},
        {"words": LINES, "vectors": HALF.astype(np.float32)},
        {"words": LINES, "vectors": HALF * np.float16("nan")},
        {"words": np.frombuffer(b"a\xff\nb\nc", dtype=np.uint8), "vectors": HALF},
        {"vectors": HALF},
        {"words": LINES},
        {"words": np.asarray([{"a": 1}], dtype=object), "vectors": HALF},
    ],
    ids=["dim", "words", "precision", "nan", "utf-8", "no words", "no vectors", "pickle"],
)
def test_a_file_that_is_not_word_vectors_is_corrupt(arrays: dict[str, Any], tmp_path: Path) -> None:
    np.savez(tmp_path / "words.npz", **arrays)
    with pytest.raises(BundleCorrupt, match=r"words\.npz"):
        WordVectors.load(tmp_path / "words.npz", 8)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"nothing of the kind"])
def test_bytes_that_are_no_archive_are_corrupt(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "words.npz").write_bytes(content)
    with pytest.raises(BundleCorrupt, match=r"words\.npz"):
        WordVectors.load(tmp_path / "words.npz", 8)
