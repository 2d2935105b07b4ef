"""The `vitrine` command. Each subcommand is a thin shell around one function of this package."""

from __future__ import annotations

import errno
import sys
from pathlib import Path  # noqa: TC003  typer evaluates the annotations
from typing import Annotated, NoReturn

import typer
from rich.markup import escape

from export.cli import store_commands as cli_store
from export.cli.bench_commands import bench
from export.cli.console import console
from export.cli.export_command import export
from export.cli.index_command import index
from export.cli.plan_command import plan
from export.terminal import progress_bar
from handler.errors import VitrineError

app = typer.Typer(
    name="vitrine",
    help="A visual product recommender that needs no running server.",
    epilog="Start with: vitrine index PHOTOS --out BUNDLES, then: vitrine serve BUNDLES",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command()(index)
app.command()(plan)
app.command()(export)
app.add_typer(bench)

_REMEDIES = {
    errno.ENOSPC: " Free some space and run again; large temporary files go to TMPDIR.",
    errno.EDQUOT: " Free some of your quota and run again; large temporary files go to TMPDIR.",
    errno.EACCES: " Change its permissions, or choose another path.",
    errno.EROFS: " Choose another path.",
}


@app.command()
def serve(
    bundles: Annotated[
        str,
        typer.Argument(
            metavar="BUNDLES", help="Store that `vitrine index` wrote to: a directory or s3://BUCKET/PREFIX."
        ),
    ],
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 accepts connections from other machines.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 picks a free one.")] = 8000,
    photos: Annotated[
        Path | None, typer.Option(help="Directory of the photos, if it has moved since they were indexed.")
    ] = None,
) -> None:
    """Serve the gallery, the API and the product photos on this machine.

    Newly published bundles are picked up within seconds.
    """
    from handler.local.local_server import listen, serve_local

    def announce(url: str) -> None:
        console.print(f"Vitrine is at [link={url}]{url}[/link]")

    with listen(host, port) as listening:
        serve_local(bundles, photos, listening, announce)


@app.command()
def sample(
    out: Annotated[Path, typer.Argument(metavar="PHOTOS", help="New directory for the photos and catalog.csv.")],
    count: Annotated[int, typer.Option(help="Number of products to draw.")] = 459,
    seed: Annotated[int, typer.Option(help="Random seed; the same seed draws the same shop.")] = 459,
) -> None:
    """Draw a sample shop of clothes, shoes, bags and ceramics; nothing is downloaded.

    An interrupted run resumes where it stopped.
    """
    from export.sample.catalog import write_sample_catalog

    with progress_bar(console) as progress:
        task = progress.add_task("Drawing", total=count)
        table = write_sample_catalog(
            out, count=count, seed=seed, progress=lambda done, _: progress.update(task, completed=done)
        )
    path = escape(str(table))
    console.print(f"{count} products in {path}. Next: vitrine index {path} --out BUNDLES", soft_wrap=True)


cli_store.register(app)


def main() -> None:
    """Run the command line. An expected error is one sentence on stderr and exit status 1."""
    try:
        app()
    except VitrineError as error:
        _fail(str(error))
    except OSError as error:
        _fail(explain(error))


def explain(error: OSError) -> str:
    """One sentence about a full disk or a path without permission, and what to do about it."""
    path = error.filename2 or error.filename  # of two paths, the second is written to
    remedy = _REMEDIES.get(error.errno or 0, "")
    return f"{f'{path}: ' if path else ''}{error.strerror or error}.{remedy}"


def _fail(sentence: str) -> NoReturn:
    console.print(f"[bold red]vitrine:[/] {escape(sentence)}", soft_wrap=True, markup=True)
    sys.exit(1)
