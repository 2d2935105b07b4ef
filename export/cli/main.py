"""The `vitrine` command. Each subcommand is a thin shell around one function of this package."""

from __future__ import annotations

import errno
import sys
from pathlib import Path  # noqa: TC003  typer evaluates the annotations
from typing import Annotated, Literal, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from export.cli import store_commands as cli_store
from export.cli.bench_commands import bench
from export.cli.parse_dim import parse_dim
from export.embedded import EMBEDDED_ENCODER
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
app.add_typer(bench)
console = Console(stderr=True, highlight=False)

_REMEDIES = {
    errno.ENOSPC: " Free some space and run again; large temporary files go to TMPDIR.",
    errno.EDQUOT: " Free some of your quota and run again; large temporary files go to TMPDIR.",
    errno.EACCES: " Change its permissions, or choose another path.",
    errno.EROFS: " Choose another path.",
}


@app.command()
def index(
    photos: Annotated[
        Path,
        typer.Argument(metavar="PHOTOS", help="A directory of photos, or a product table (.csv, .jsonl or .parquet)."),
    ],
    out: Annotated[
        str,
        typer.Option(
            metavar="STORE", help="Store for the bundles: a directory, which is created, or s3://BUCKET/PREFIX."
        ),
    ],
    photos_root: Annotated[
        Path | None,
        typer.Option(
            "--photos",
            show_default="the product table's own",
            help="Directory that the product table's image paths are relative to.",
        ),
    ] = None,
    model: Annotated[
        Path,
        typer.Option(show_default="the embedded encoder", help="Encoder directory, as written by `vitrine export`."),
    ] = EMBEDDED_ENCODER,
    m: Annotated[int, typer.Option("--m", min=2, max=128, help="Links per vector in the index.")] = 16,
    ef_construction: Annotated[
        int, typer.Option(min=10, max=5000, help="Search width while building the index.")
    ] = 200,
    tokenizer: Annotated[
        Literal["unicode61", "porter"] | None,
        typer.Option(
            show_default="as before; unicode61 at first",
            help="Tokenizer of the text search: unicode61 keeps words; porter reduces them to English stems.",
        ),
    ] = None,
    engine: cli_store.Engine = None,
    dim: Annotated[
        str | None,
        typer.Option(
            metavar="N|auto",
            show_default="as before; all of the encoder's at first",
            help="Dimensions to keep of each vector; auto: the fewest that find 97 % of the same neighbors.",
        ),
    ] = None,
    refit: Annotated[
        bool, typer.Option("--refit", help="Refit the projection of the vectors; ends running sessions.")
    ] = False,
) -> None:
    """Index photos and publish them as a bundle, ready for `vitrine serve`.

    Run it again whenever photos or fields change: only new photos are embedded, and running sessions continue. An
    interrupted run resumes where it stopped. Photos that cannot be used are skipped and reported.

    A product table has the columns `id` and `image`; all other columns can be shown and filtered by. Without one, a
    photo's path is its id, and the first subdirectory becomes the field `category`.
    """
    from export.bundle.build_index import IndexParameters
    from export.cli.index_report import show_report
    from export.index_catalog import index_catalog
    from export.photos.read_catalog import read_catalog
    from export.store.collections import Collections
    from handler.local.local_state import LocalState
    from handler.stores.open_store import open_store

    kept = parse_dim(dim)
    source = read_catalog(photos, photos_root)
    state, store = LocalState.of(out), open_store(out)
    with progress_bar(console) as progress:
        report = index_catalog(
            source,
            store,
            model,
            state.embedding_cache,
            progress,
            IndexParameters(m, ef_construction),
            refit=refit,
            collections=Collections.at(engine, store.address) if engine else None,
            tokenizer=tokenizer,
            dim=kept,
        )
    state.remember_photos(source.root)
    state.report.write_text(report.to_json(), encoding="utf-8")
    show_report(report, console, state.report)


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
def export(
    out: Annotated[Path, typer.Option(help="Directory for encoder.onnx and preprocess.json.")],
    model: Annotated[
        str,
        typer.Option(help="Hugging Face id or checkpoint directory of a ViT, DeiT, DINOv2, CLIP or SigLIP."),
    ] = "google/vit-base-patch16-224",
    pooling: Annotated[
        Literal["auto", "cls", "mean", "pooler", "projection"],
        typer.Option(help="How the tokens become one vector; auto: as usual for the architecture."),
    ] = "auto",
    layers: Annotated[int | None, typer.Option(help="Keep only the first N transformer blocks.", min=1)] = None,
    precision: Annotated[
        Literal["fp32", "fp16", "w8", "int8"],
        typer.Option(help="fp16 halves the file; w8 and int8 quarter it; int8 is also about 3x as fast."),
    ] = "fp32",
    photos: Annotated[
        Path | None,
        typer.Option(show_default="the sample shop", help="Photos for the parity check; preferably your own."),
    ] = None,
    sample: Annotated[int, typer.Option(help="Maximum number of photos for the parity check.", min=1)] = 600,
    licence: Annotated[
        str | None, typer.Option("--license", help="License of the weights, if the model card does not state it.")
    ] = None,
    name: Annotated[str | None, typer.Option(show_default="its id or directory", help="Name of the model.")] = None,
    join: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            metavar="A B",
            help="Join two encoders that this command wrote into one file; only --join-weight, --name and --out count.",
        ),
    ] = None,
    join_weight: Annotated[float, typer.Option(help="Length of B's vectors; A's have length 1.", min=0.01)] = 1.0,
) -> None:
    """Export a PyTorch image encoder to ONNX, and check that it finds the same neighbors.

    The parity check embeds photos with PyTorch and with the exported encoder. Unless nearly all of each photo's ten
    nearest neighbors agree, nothing is written. Requires: scripts/setup export
    """
    if join is not None:
        _join(join, join_weight, out, name)
        return
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


def _join(directories: tuple[Path, Path], weight: float, out: Path, name: str | None) -> None:
    from export.model.join import join_encoders

    spec = join_encoders(directories, out, (1.0, weight), name=name)
    console.print(f"{escape(spec.source)} in {escape(str(out))}: {spec.dim} dimensions, {spec.precision}.")


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
    console.print(f"{count} products in {escape(str(table))}. Next: vitrine index {escape(str(table))} --out BUNDLES")


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
