"""`vitrine`: every command, each a thin shell around one function of this package."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from export.progress import progress_bar
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


EMBEDDED_ENCODER = Path(__file__).parent / "embedded"


@app.command()
def index(
    photos: Annotated[Path, typer.Argument(help="A folder of photos, or a .csv, .jsonl or .parquet that lists them.")],
    out: Annotated[Path, typer.Option(help="Where bundles are kept; made if it is not there.")],
    photos_root: Annotated[
        Path | None, typer.Option("--photos", help="The folder a manifest's image paths start from [its own folder].")
    ] = None,
    model: Annotated[
        Path, typer.Option(help="An encoder that `vitrine export` wrote [the one that comes with Vitrine].")
    ] = EMBEDDED_ENCODER,
    m: Annotated[int, typer.Option("--m", min=2, max=128, help="Links a vector gets in the index.")] = 16,
    ef_construction: Annotated[int, typer.Option(min=10, max=5000, help="Effort spent on building the index.")] = 200,
) -> None:
    """Embed a shop's photos and publish them as a bundle that `vitrine serve` answers from.

    Run it again whenever photos or fields change: only new photos are embedded, products keep their labels, and
    sessions go on. Interrupted, it resumes where it stopped.

    A manifest has the columns `id` and `image`; every other column can be shown and filtered by. Without one, ids are
    the photos' paths and the first sub-folder becomes the field `category`.
    """
    from export.build_index import IndexParameters
    from export.index_catalog import index_catalog
    from export.read_catalog import read_catalog
    from export.show_report import show_report
    from handler.local_state import LocalState
    from handler.store import DirectoryStore

    source = read_catalog(photos, photos_root)
    state = LocalState(out)
    with progress_bar(console) as progress:
        report = index_catalog(
            source, DirectoryStore(out), model, state.embedding_cache, progress, IndexParameters(m, ef_construction)
        )
    state.remember_photos(source.root)
    state.report.write_text(report.to_json())
    show_report(report, console, state.report)


@app.command()
def serve(
    bundles: Annotated[Path, typer.Argument(help="Where `vitrine index` put its bundles.")],
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 lets other machines in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one.")] = 8000,
    photos: Annotated[
        Path | None, typer.Option(help="The photos' folder, if it has moved since they were indexed.")
    ] = None,
) -> None:
    """Serve the gallery and the API on this machine, the product photos included.

    A bundle that is published while this runs is picked up within seconds.
    """
    from handler.local_server import listen, serve_local

    socket = listen(host, port)
    serve_local(bundles, photos, socket, announce=lambda url: console.print(f"Vitrine is at [link={url}]{url}[/link]"))


def main() -> None:
    """Run the command line; an error of ours is one sentence on stderr and exit status 1."""
    try:
        app()
    except VitrineError as error:
        console.print(f"[bold red]vitrine:[/] {escape(str(error))}", soft_wrap=True, markup=True)
        sys.exit(1)
