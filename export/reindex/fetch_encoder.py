"""An encoder that lies in a store of bundles, by its fingerprint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from export.bundle.write_bundle import describe_model
from handler.errors import BundleCorrupt, BundleNotFound, ConfigurationError
from handler.manifest import model_key
from handler.photos.encoder import ENCODER_FILE, SPEC_FILE, WEIGHTS_FILE

if TYPE_CHECKING:
    from pathlib import Path

    from handler.stores.store import BundleStore


def fetch_encoder(store: BundleStore, fingerprint: str, directory: Path) -> Path:
    """Copy the encoder `models/FINGERPRINT/` of the store into `directory`, which is created and returned.

    Raises ConfigurationError if the store does not have it, BundleCorrupt if its files have another fingerprint.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for name in (ENCODER_FILE, SPEC_FILE, WEIGHTS_FILE):
        try:
            (directory / name).write_bytes(store.read(model_key(fingerprint, name)))
        except BundleNotFound as error:
            if name == WEIGHTS_FILE:  # only large encoders have it; the fingerprint tells whether this one does
                continue
            raise ConfigurationError(
                f"There is no {model_key(fingerprint, name)} in {store.address}.",
                field="encoder",
                value=fingerprint,
                remedy=f"Upload the directory that `vitrine export` wrote to {store.address}/models/{fingerprint}/.",
            ) from error
    found = describe_model(directory).fingerprint
    if found != fingerprint:
        raise BundleCorrupt(f"The files in {store.address}/models/{fingerprint} have the fingerprint {found}.")
    return directory
