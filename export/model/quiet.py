"""Silence around foreign calls that talk too much, and the check that they are installed at all."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import warnings
from typing import TYPE_CHECKING

from handler.errors import ExportError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_EXTRA = ("torch", "transformers", "optimum", "onnx", "onnxscript")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Inside, warnings and log lines below ERROR go nowhere. The tracer's warnings about fixed shapes, which is what
    we ask for, and transformers' list of unused text weights are noise; what they could hide, the parity gate finds."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def require_export_extra() -> None:
    """Raise ExportError naming which packages of the extra `export` are missing; imports nothing."""
    require_packages(_EXTRA, "Exporting a model", "export")


def require_packages(names: Sequence[str], what: str, extras: str) -> None:
    """Raise ExportError naming which of the packages that `what` needs are missing; imports nothing."""
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    if missing:
        raise ExportError(
            f"{what} needs packages that are not installed: {', '.join(missing)}.",
            value=missing,
            remedy=f"Install them with: scripts/setup {extras}",
        )
