"""The value of `vitrine index --dim`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from export.bundle.fit_projection import Dim


def parse_dim(text: str | None) -> Dim:
    """A number of dimensions, `auto`, or None; typer's BadParameter for anything else."""
    if text is None:
        return None
    if text == "auto":
        return "auto"
    if not text.isdecimal() or int(text) == 0:
        raise typer.BadParameter(f"{text!r} is neither a number from 1 nor auto.", param_hint="--dim")
    return int(text)
