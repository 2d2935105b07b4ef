"""`vitrine bench`: the benchmarks that run from the command line."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from export.bench.arms import DEFAULT_ARMS, OTHER, OWN, RAW, RAW_ARMS, parse_arms
from export.bench.results import DEFAULT_OUT
from export.bench.shoppers import DEFAULT_SHOPPERS, parse_shoppers
from export.embedded import EMBEDDED_ENCODER
from export.terminal import progress_bar
from handler.errors import ConfigurationError

bench = typer.Typer(name="bench", help="Measure how soon shoppers find a product.", no_args_is_help=True)
console = Console(stderr=True, highlight=False)

DEFAULT_WORK = Path(tempfile.gettempdir()) / "vitrine-bench"
ARTICLE_PRODUCTS = 459
TABLE_WIDTH = 136
"""Width of the results without a terminal: a narrower table would truncate the intervals."""
SYNTHETIC_SESSIONS = 60
SYNTHETIC_ARMS = "mean:5,recency:5,rocchio:5,bayes:5,mean:10,bayes:10"
SYNTHETIC_SHOPPERS = "ideal,noisy:0.1"


def _spaced(names: str) -> str:
    """A list that a narrow terminal can wrap: text without a space is cut off."""
    return names.replace(",", ", ")


@bench.callback()
def _group() -> None:
    """Keeps `rounds` a subcommand: typer turns a single command into the group itself."""


@bench.command()
def rounds(
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="SOURCE", help="Bundles written by `vitrine index`, a directory of photos, or a product table."
        ),
    ] = None,
    products: Annotated[
        int | None,
        typer.Option(
            min=2,
            show_default=f"all of BUNDLES; {ARTICLE_PRODUCTS} photos",
            help="Number of products to draw, evenly over `category`.",
        ),
    ] = None,
    synthetic: Annotated[
        int | None,
        typer.Option(
            min=100, metavar="N", help="Without photos: N synthetic products in clusters, with a noisy judge."
        ),
    ] = None,
    shoppers: Annotated[
        str | None,
        typer.Option(
            show_default=_spaced(DEFAULT_SHOPPERS),
            help="Simulated shoppers: ideal, noisy:TEMPERATURE, impatient, drifting, stubborn, divided.",
        ),
    ] = None,
    arms: Annotated[
        str | None,
        typer.Option(
            show_default=_spaced(DEFAULT_ARMS),
            help="Arms to compare: strategy:similar, optionally with +diverse, @raw or @other.",
        ),
    ] = None,
    raw: Annotated[
        bool,
        typer.Option("--raw", help=f"Also {_spaced(RAW_ARMS)}: the article's text and its code on plain embeddings."),
    ] = False,
    other: Annotated[
        Path | None,
        typer.Option(metavar="ENCODER", help="Another encoder to compare with: every arm also plays on its vectors."),
    ] = None,
    targets: Annotated[
        Literal["even", "odd", "all"],
        typer.Option(help="Target products, by number. Tune parameters on even ones, report odd ones."),
    ] = "all",
    sessions: Annotated[
        int | None,
        typer.Option(
            min=2, show_default=f"every target; {SYNTHETIC_SESSIONS} if synthetic", help="Maximum number of targets."
        ),
    ] = None,
    max_rounds: Annotated[int, typer.Option(min=1, help="Maximum number of rounds per session.")] = 400,
    judge_raw: Annotated[
        bool,
        typer.Option(
            "--judge-raw",
            help="EfficientNet judges by cosines of uncentered embeddings: noisier at the same temperature.",
        ),
    ] = False,
    url: Annotated[
        str | None, typer.Option(help="Play over HTTP against a `vitrine serve` of the same BUNDLES.")
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, show_default="all cores; 1 if synthetic or over HTTP", help="Number of processes."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Random seed of products, first pages and choices.")] = 0,
    model: Annotated[
        Path,
        typer.Option(show_default="the embedded encoder", help="Encoder directory for indexing drawn products."),
    ] = EMBEDDED_ENCODER,
    photos: Annotated[
        Path | None, typer.Option(help="Directory of the photos, if not that of the product table or BUNDLES.")
    ] = None,
    work: Annotated[
        Path,
        typer.Option(show_default="a temporary directory", help="Directory for embeddings and synthetic catalogs."),
    ] = DEFAULT_WORK,
    out: Annotated[Path, typer.Option(help="Directory for the JSON file and the plot.")] = DEFAULT_OUT,
    name: Annotated[str, typer.Option(help="Name of both files.")] = "rounds",
) -> None:
    """Count the rounds of ten products until a page shows the shopper's target.

    Simulated shoppers play whole sessions through the API, each with one target product. Two judges decide what they
    find similar: the first compares class, colors and texture and shares no weights with any encoder, the second is
    EfficientNet-Lite0. All arms get the same products, first pages and random choices.

    Requires: scripts/setup bench judge. Example: vitrine bench rounds PHOTOS --shoppers ideal --sessions 100
    """
    from export.bench.prepare import Photos, prepare
    from export.bench.prepare_synthetic import prepare_synthetic
    from export.bench.results import write_json
    from export.bench.rounds import Plan, measure_rounds
    from export.bench.rounds_plot import plot_rounds
    from export.bench.rounds_table import show_rounds

    if (source is None) == (synthetic is None):
        raise ConfigurationError("Pass either SOURCE or --synthetic N.", field="source")
    if url and (synthetic or products):
        raise ConfigurationError(
            "--url plays against all products of the server: leave out --products and --synthetic.", field="url"
        )
    chosen = parse_arms(arms or (SYNTHETIC_ARMS if synthetic else DEFAULT_ARMS))
    if other:
        chosen += [replace(arm, vectors=OTHER) for arm in chosen if arm.vectors == OWN]
    chosen += [arm for arm in parse_arms(RAW_ARMS if raw else "") if arm not in chosen]
    if other is None and any(arm.vectors == OTHER for arm in chosen):
        raise ConfigurationError("@other arms need another encoder.", field="other", remedy="Name it by --other.")
    plan = Plan(
        arms=tuple(chosen),
        shoppers=tuple(parse_shoppers(shoppers or (SYNTHETIC_SHOPPERS if synthetic else DEFAULT_SHOPPERS))),
        targets=targets,
        sessions=sessions or (SYNTHETIC_SESSIONS if synthetic else None),
        seed=seed,
        max_rounds=max_rounds,
        jobs=jobs or (1 if synthetic or url else os.cpu_count() or 1),
        url=url,
    )
    with progress_bar(console) as progress:
        if source is None:
            catalogs = {"latent vectors": prepare_synthetic(synthetic or 0, seed, work, progress)}
        else:
            drawn = products or (None if (source / "current.json").is_file() else ARTICLE_PRODUCTS)
            unprojected = any(arm.vectors == RAW for arm in chosen)
            wanted = Photos(source, drawn, seed, model, photos, judge_raw, unprojected, other)
            catalogs = prepare(wanted, work, progress)
        results = {judge: measure_rounds(catalog, plan, progress) for judge, catalog in catalogs.items()}
    path = write_json(out, name, {"judges": results, "judge_raw": judge_raw})
    for judge, found in results.items():
        show_rounds(judge, found, Console(highlight=False, width=max(console.width, TABLE_WIDTH)))
    console.print(f"Written: {path}, {plot_rounds(results, out, name)}")
