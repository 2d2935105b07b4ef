"""The encoder of a re-index: which one, and its files."""

from __future__ import annotations

import contextlib
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from export.bundle.write_bundle import describe_model
from export.embedded import EMBEDDED_ENCODER
from handler.errors import BundleCorrupt, BundleNotFound, ConfigurationError
from handler.model_files import TEXT_FILES, model_key
from handler.photos.encoder import (
    ENCODER_FILE,
    OPENVINO_FILE,
    OPENVINO_WEIGHTS_FILE,
    SPEC_FILE,
    WEIGHTS_FILE,
    Encoder,
    EncoderSpec,
)

if TYPE_CHECKING:
    from export.reindex.settings import ReindexSettings
    from handler.manifest import Manifest
    from handler.stores.store import BundleStore

_FETCHED: dict[tuple[str, str], Path] = {}
"""Directories by the store's address and the fingerprint: an encoder is copied once in the life of a process."""


def choose_encoder(settings: ReindexSettings, store: BundleStore, current: Manifest | None) -> str:
    """The fingerprint of the encoder to use: the configured one, or else that of the current bundle, so that sessions
    continue, or else that of the embedded one.

    Raises ConfigurationError for a configured one that is not in the store.
    """
    if settings.encoder:
        present = {file.key for file in store.files(model_key(settings.encoder, ""))}
        openvino = model_key(settings.encoder, OPENVINO_FILE) in present
        for name in (SPEC_FILE, OPENVINO_WEIGHTS_FILE if openvino else ENCODER_FILE):
            if model_key(settings.encoder, name) not in present:
                raise _missing(store, settings.encoder, name)
        return settings.encoder
    if settings.model:
        return describe_model(settings.model).fingerprint
    return current.model.fingerprint if current else describe_model(EMBEDDED_ENCODER).fingerprint


def encoder_directory(settings: ReindexSettings, store: BundleStore, fingerprint: str) -> Path:
    """A directory with the files of the encoder `fingerprint`, which `choose_encoder` chose.

    Raises ConfigurationError if nobody has it, BundleCorrupt if the store's files have another fingerprint.
    """
    for directory in (settings.model, EMBEDDED_ENCODER):
        if directory and describe_model(directory).fingerprint == fingerprint:
            return directory
    key = (store.address, fingerprint)
    if key not in _FETCHED:
        _FETCHED[key] = fetch_encoder(store, fingerprint, Path(tempfile.mkdtemp(prefix="vitrine-encoder-")))
    return _FETCHED[key]


@lru_cache(maxsize=1)
def open_encoder(directory: Path) -> Encoder:
    """The encoder in `directory`, opened once for all parts that a process embeds."""
    return Encoder(directory, threads=1)  # every core embeds photos of its own


def fetch_encoder(store: BundleStore, fingerprint: str, directory: Path) -> Path:
    """Copy the encoder `models/FINGERPRINT/` of the store into `directory`, which is created and returned.

    Raises ConfigurationError if the store does not have it, BundleCorrupt if its files have another fingerprint.
    """
    directory.mkdir(parents=True, exist_ok=True)
    _copy(store, fingerprint, SPEC_FILE, directory)
    spec = EncoderSpec.read(directory / SPEC_FILE)
    for name in spec.files[1:]:
        _copy(store, fingerprint, name, directory)
    optional = sorted(TEXT_FILES | {WEIGHTS_FILE}) if spec.runtime == "onnxruntime" else sorted(TEXT_FILES)
    for name in optional:
        # Only some encoders have it; the fingerprint tells whether this one does.
        with contextlib.suppress(BundleNotFound):
            (directory / name).write_bytes(store.read(model_key(fingerprint, name)))
    found = describe_model(directory).fingerprint
    if found != fingerprint:
        raise BundleCorrupt(f"The files in {store.address}/models/{fingerprint} have the fingerprint {found}.")
    return directory


def _copy(store: BundleStore, fingerprint: str, name: str, directory: Path) -> None:
    try:
        (directory / name).write_bytes(store.read(model_key(fingerprint, name)))
    except BundleNotFound as error:
        raise _missing(store, fingerprint, name) from error


def _missing(store: BundleStore, fingerprint: str, name: str) -> ConfigurationError:
    return ConfigurationError(
        f"There is no {model_key(fingerprint, name)} in {store.address}.",
        field="encoder",
        value=fingerprint,
        remedy=f"Upload the directory that `vitrine export` wrote to {store.address}/models/{fingerprint}/.",
    )
