"""`vitrine`: every command, each a thin shell around one function of this package."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003  typer evaluates the annotations
from typing import Annotated, Literal, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from export.cli import store_commands as cli_store
from export.cli.bench_commands import bench
from export.embedded import EMBEDDED_ENCODER
from export.terminal import progress_bar
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
app.add_typer(bench)
console = Console(stderr=True, highlight=False)


@app.command()
def index(
    photos: Annotated[
        Path,
        typer.Argument(metavar="PHOTOS", help="A folder of photos, or a .csv, .jsonl or .parquet that lists them."),
    ],
    out: Annotated[
        str,
        typer.Option(metavar="STORE", help="Where bundles are kept: a folder, made if need be, or s3://BUCKET/PREFIX."),
    ],
    photos_root: Annotated[
        Path | None,
        typer.Option(
            "--photos", show_default="the manifest's own", help="The folder that a manifest's image paths start from."
        ),
    ] = None,
    model: Annotated[
        Path,
        typer.Option(show_default="the one that comes with Vitrine", help="An encoder that `vitrine export` wrote."),
    ] = EMBEDDED_ENCODER,
    m: Annotated[int, typer.Option("--m", min=2, max=128, help="Links a vector gets in the index.")] = 16,
    ef_construction: Annotated[int, typer.Option(min=10, max=5000, help="Effort spent on building the index.")] = 200,
    tokenizer: Annotated[
        Literal["unicode61", "porter"] | None,
        typer.Option(
            show_default="as before; unicode61 at first",
            help="How the text search reads words: as they are, or porter: reduced to English stems.",
        ),
    ] = None,
    refit: Annotated[
        bool, typer.Option("--refit", help="Fit the projection of the vectors again; running sessions end.")
    ] = False,
) -> None:
    """Embed a shop's photos and publish them as a bundle that `vitrine serve` answers from.

    Run it again whenever photos or fields change: only new photos are embedded, products keep their labels, and
    sessions go on. Interrupted, it resumes where it stopped.

    A manifest has the columns `id` and `image`; every other column can be shown and filtered by. Without one, ids are
    the photos' paths and the first sub-folder becomes the field `category`.
    """
    from export.bundle.build_index import IndexParameters
    from export.cli.index_report import show_report
    from export.index_catalog import index_catalog
    from export.photos.read_catalog import read_catalog
    from handler.local.local_state import LocalState
    from handler.stores.open_store import open_store

    source = read_catalog(photos, photos_root)
    state = LocalState.of(out)
    with progress_bar(console) as progress:
        report = index_catalog(
            source,
            open_store(out),
            model,
            state.embedding_cache,
            progress,
            IndexParameters(m, ef_construction),
            refit=refit,
            tokenizer=tokenizer,
        )
    state.remember_photos(source.root)
    state.report.write_text(report.to_json(), encoding="utf-8")
    show_report(report, console, state.report)


@app.command()
def serve(
    bundles: Annotated[
        str, typer.Argument(metavar="BUNDLES", help="Where `vitrine index` put its bundles; may be s3://BUCKET/PREFIX.")
    ],
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 lets other machines in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one.")] = 8000,
    photos: Annotated[
        Path | None, typer.Option(help="The photos' folder, if it has moved since they were indexed.")
    ] = None,
) -> None:
    """Serve the gallery and the API on this machine, the product photos included.

    A bundle that is published while this runs is picked up within seconds.
    """
    from handler.local.local_server import listen, serve_local

    def announce(url: str) -> None:
        console.print(f"Vitrine is at [link={url}]{url}[/link]")

    with listen(host, port) as listening:
        serve_local(bundles, photos, listening, announce)


@app.command()
def export(
    out: Annotated[Path, typer.Option(help="Directory for encoder.onnx and preprocess.json.")],
    model: Annotated[
        str,
        typer.Option(help="Hugging Face id or checkpoint directory of a ViT, DeiT, DINOv2, CLIP or SigLIP."),
    ] = "google/vit-base-patch16-224",
    pooling: Annotated[
        Literal["auto", "cls", "mean", "pooler", "projection"],
        typer.Option(help="How tokens become one vector; auto: what the architecture is known for."),
    ] = "auto",
    layers: Annotated[int | None, typer.Option(help="Keep only the first N blocks.", min=1)] = None,
    precision: Annotated[
        Literal["fp32", "fp16", "w8", "int8"],
        typer.Option(help="fp16: half the file. w8: a quarter. int8: a quarter, and about 3x as fast."),
    ] = "fp32",
    photos: Annotated[
        Path | None,
        typer.Option(help="Photos it is judged on, default the drawn sample shop; [bold]your own judge best[/]."),
    ] = None,
    sample: Annotated[int, typer.Option(help="Judge on at most so many of them.", min=1)] = 600,
    licence: Annotated[str | None, typer.Option(help="Of the weights, where the model card does not say.")] = None,
    name: Annotated[str | None, typer.Option(help="What to call the model; default: its id or directory.")] = None,
) -> None:
    """Turn a PyTorch image encoder into the ONNX file that Vitrine serves, if it finds the neighbours PyTorch finds.

    Photos go through PyTorch and through the new file; unless nearly all of each photo's ten nearest neighbours are the
    same, nothing is written. Needs: scripts/setup export
    """
    from export.cli.export_report import render
    from export.model.export_model import ExportRequest, export_model

    request = ExportRequest(
        model=model,
        out=out,
        photos=photos,
        pooling=pooling,
        layers=layers,
        precision=precision,
        licence=licence,
        name=name,
        sample=sample,
    )
    with progress_bar(console) as progress:
        report = export_model(request, progress)
    console.print(render(report))


@app.command()
def sample(
    out: Annotated[Path, typer.Argument(help="A new folder for the photos and catalog.csv.")],
    count: Annotated[int, typer.Option(help="How many products to draw.")] = 459,
    seed: Annotated[int, typer.Option(help="Another seed draws another shop.")] = 459,
) -> None:
    """Draw a shop to try Vitrine on: clothes, shoes, bags and ceramics, with nothing to download.

    The same seed draws the same shop. Interrupted, it resumes where it stopped.
    """
    from export.sample.catalog import write_sample_catalog

    with progress_bar(console) as progress:
        task = progress.add_task("Drawing", total=count)
        manifest = write_sample_catalog(
            out, count=count, seed=seed, progress=lambda done, _: progress.update(task, completed=done)
        )
    console.print(
        f"{count} products in {escape(str(manifest))}. Next: vitrine index {escape(str(manifest))} --out BUNDLES"
    )


cli_store.register(app)


def main() -> None:
    """Run the command line; an error of ours is one sentence on stderr and exit status 1."""
    try:
        app()
    except VitrineError as error:
        _fail(str(error))
    except OSError as error:  # a full disk, a folder that may not be written to
        _fail(f"{error.filename or 'The system'}: {error.strerror or error}.")


def _fail(sentence: str) -> NoReturn:
    console.print(f"[bold red]vitrine:[/] {escape(sentence)}", soft_wrap=True, markup=True)
    sys.exit(1)
