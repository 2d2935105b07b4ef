"""`vitrine index`."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  typer evaluates the annotations
from typing import Annotated, Literal

import typer

from export.cli.console import console
from export.cli.parse_dim import parse_dim
from export.cli.store_commands import Engine  # noqa: TC001  typer evaluates the annotations
from export.embedded import EMBEDDED_ENCODER
from export.terminal import progress_bar

_NEVER_WITH_SHARD = ("m", "ef_construction", "tokenizer", "dim", "refit", "merge")


def index(
    context: typer.Context,
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
    m: Annotated[
        int | None,
        typer.Option(
            "--m",
            min=2,
            max=128,
            show_default="8 up to 20,000 products, 12 up to 100,000; 16 beyond, or where these find too little",
            help="Links per vector in the index.",
        ),
    ] = None,
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
    engine: Engine = None,
    dim: Annotated[
        str | None,
        typer.Option(
            metavar="N|auto",
            show_default="as before; all of the encoder's at first",
            help="Dimensions to keep of each vector; auto: the fewest that find 97% of the same neighbors.",
        ),
    ] = None,
    refit: Annotated[
        bool, typer.Option("--refit", help="Refit the projection of the vectors; ends running sessions.")
    ] = False,
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="I/N", help="Only embed the I-th of N shares of the photos, and keep the vectors in STORE/shards."
        ),
    ] = None,
    merge: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Embed nothing: take the vectors of all N shards, and publish."),
    ] = None,
) -> None:
    """Index photos and publish them as a bundle, ready for `vitrine serve`.

    Run it again whenever photos or fields change: only new photos are embedded, and running sessions continue. An
    interrupted run resumes where it stopped. Photos that cannot be used are skipped and reported.

    A product table has the columns `id` and `image`; all other columns can be shown and filtered by. Without one, a
    photo's path is its id, and the first subdirectory becomes the field `category`.

    Many machines can share the embedding: run this with `--shard 1/8` to `--shard 8/8`, in any order and at once, then
    once with `--merge 8`. A shard that was killed continues when it is run again. After a change of the photos run all
    of them again: each embeds only what is new.
    """
    from export.bundle.build_index import IndexParameters
    from export.cli.index_report import show_report
    from export.index_catalog import index_catalog
    from export.photos.read_catalog import read_catalog
    from export.store.collections import Collections
    from handler.local.local_state import LocalState
    from handler.stores.open_store import open_store

    if shard is not None:
        _index_shard(context, photos, photos_root, out, model, shard)
        return
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
            merge=merge,
        )
    state.remember_photos(source.root)
    state.report.write_text(report.to_json(), encoding="utf-8")
    show_report(report, console, state.report)


def _index_shard(
    context: typer.Context, photos: Path, photos_root: Path | None, out: str, model: Path, shard: str
) -> None:
    from export.cli.index_report import show_shard
    from export.photos.read_catalog import read_catalog
    from export.shards.embed_shard import embed_shard
    from export.shards.shard import Shard
    from handler.stores.open_store import open_store

    for name in _NEVER_WITH_SHARD:
        given = context.get_parameter_source(name)
        if given and given.name == "COMMANDLINE":
            raise typer.BadParameter(
                f"--shard only embeds; pass --{name.replace('_', '-')} to the run with --merge.", param_hint="--shard"
            )
    wanted = Shard.parse(shard)
    source = read_catalog(photos, photos_root)
    with progress_bar(console) as progress:
        report = embed_shard(source, open_store(out), model, wanted, progress)
    show_shard(report, console)
