"""`vitrine`: every command, each a thin shell around one function of this package."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from handler.errors import VitrineError

app = typer.Typer(
    name="vitrine",
    help="A visual product recommender that needs no running server.",
    epilog="Start with: vitrine index PHOTOS --out BUNDLES, then: vitrine serve BUNDLES",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
)
console = Console(stderr=True, highlight=False)


def main() -> None:
    """Run the command line; an error of ours is one sentence on stderr and exit status 1."""
    try:
        app()
    except VitrineError as error:
        console.print(f"[bold red]vitrine:[/] {error}", soft_wrap=True, markup=True)
        sys.exit(1)
