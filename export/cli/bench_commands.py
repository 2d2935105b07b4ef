"""`vitrine bench`: what its sub-commands take, and in what order they do things."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from export.bench.arms import DEFAULT_ARMS, UNWHITENED_ARMS, Arm, parse_arms
from export.bench.results import DEFAULT_OUT
from export.bench.shoppers import DEFAULT_SHOPPERS, parse_shoppers
from export.embedded import EMBEDDED_ENCODER
from export.terminal import progress_bar
from handler.errors import ConfigurationError

bench = typer.Typer(name="bench", help="Measure how well a shop is found through.", no_args_is_help=True)
console = Console(stderr=True, highlight=False)

DEFAULT_WORK = Path(tempfile.gettempdir()) / "vitrine-bench"
ARTICLE_PRODUCTS = 459
TABLE_WIDTH = 136
"""Of the results, also where nobody looks: a narrower table would cut off the intervals."""
SYNTHETIC_SESSIONS = 60
SYNTHETIC_ARMS = "mean:5,recency:5,rocchio:5,bayes:5,mean:10,bayes:10"
SYNTHETIC_SHOPPERS = "ideal,noisy:0.1"


@bench.callback()
def _group() -> None:
    """Keeps `rounds` a sub-command: typer would make the only one the command itself."""


@bench.command()
def rounds(
    source: Annotated[
        Path | None,
        typer.Argument(metavar="SOURCE", help="BUNDLES that `vitrine index` made, a folder of photos, or a manifest."),
    ] = None,
    products: Annotated[
        int | None,
        typer.Option(
            min=2,
            show_default=f"BUNDLES as they are; {ARTICLE_PRODUCTS} of photos",
            help="Draw so many, evenly over `category`.",
        ),
    ] = None,
    synthetic: Annotated[
        int | None,
        typer.Option(min=100, metavar="N", help="No photos: N made-up products in clusters, judged through noise."),
    ] = None,
    shoppers: Annotated[
        str | None,
        typer.Option(
            show_default=DEFAULT_SHOPPERS, help="Who plays: ideal, noisy:TEMPERATURE, impatient, drifting, stubborn."
        ),
    ] = None,
    arms: Annotated[
        str | None,
        typer.Option(show_default=DEFAULT_ARMS, help="What is compared: strategy:similar, then +diverse, @raw."),
    ] = None,
    unwhitened: Annotated[
        bool,
        typer.Option(
            "--unwhitened", help=f"Also {UNWHITENED_ARMS}: the article's text and its code on plain embeddings."
        ),
    ] = False,
    targets: Annotated[
        Literal["even", "odd", "all"],
        typer.Option(help="Products to have in mind, by number. Choose parameters on even ones, report odd ones."),
    ] = "all",
    sessions: Annotated[
        int | None,
        typer.Option(
            min=2, show_default=f"every target; {SYNTHETIC_SESSIONS} if synthetic", help="At most so many targets."
        ),
    ] = None,
    max_rounds: Annotated[int, typer.Option(min=1, help="Give a session up after so many rounds.")] = 400,
    judge_raw: Annotated[
        bool,
        typer.Option(
            "--judge-raw", help="Judge by cosines of embeddings that are not centred: noisier at the same temperature."
        ),
    ] = False,
    url: Annotated[
        str | None, typer.Option(help="Play over HTTP, against `vitrine serve` on the same BUNDLES.")
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, show_default="all cores; 1 if synthetic or over HTTP", help="Processes that play."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed draws other products, first pages and choices.")] = 0,
    model: Annotated[
        Path,
        typer.Option(
            show_default="the one that comes with Vitrine", help="The encoder that drawn products are indexed with."
        ),
    ] = EMBEDDED_ENCODER,
    photos: Annotated[
        Path | None, typer.Option(help="The photos' folder, if the manifest or BUNDLES name another.")
    ] = None,
    work: Annotated[
        Path, typer.Option(show_default="a temporary folder", help="Keeps embeddings and made-up catalogs.")
    ] = DEFAULT_WORK,
    out: Annotated[Path, typer.Option(help="Folder for the JSON file and the plot.")] = DEFAULT_OUT,
    name: Annotated[str, typer.Option(help="What to call those two.")] = "rounds",
) -> None:
    """How many rounds of ten until the product that a shopper has in mind is on the page.

    Simulated shoppers play whole sessions through the API, each with one product in mind, until a page shows it. They
    judge likeness with an encoder that is not the shop's (EfficientNet-Lite0), as people do not see what the shop's
    sees. Every arm gets the same products, first pages and random choices, so that differences are the arms' own.

    Needs: scripts/setup bench judge. Try: vitrine bench rounds PHOTOS --shoppers ideal --sessions 100
    """
    from export.bench.prepare import Photos, prepare
    from export.bench.prepare_synthetic import prepare_synthetic
    from export.bench.results import write_json
    from export.bench.rounds import Plan, measure_rounds
    from export.bench.rounds_plot import plot_rounds
    from export.bench.rounds_table import show_rounds

    if (source is None) == (synthetic is None):
        raise ConfigurationError("Give either SOURCE or --synthetic N.", field="source")
    if url and (synthetic or products):
        raise ConfigurationError(
            "A server serves its BUNDLES whole: leave --products and --synthetic out.", field="url"
        )
    chosen = parse_arms(arms or (SYNTHETIC_ARMS if synthetic else DEFAULT_ARMS))
    chosen += [arm for arm in parse_arms(UNWHITENED_ARMS if unwhitened else "") if arm not in chosen]
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
            catalog = prepare_synthetic(synthetic or 0, seed, work, progress)
        else:
            drawn = products or (None if (source / "current.json").is_file() else ARTICLE_PRODUCTS)
            wanted = Photos(source, drawn, seed, model, photos, judge_raw, _any_raw(chosen))
            catalog = prepare(wanted, work, progress)
        results = measure_rounds(catalog, plan, progress)
    path = write_json(out, name, {**results, "judge_raw": judge_raw})
    show_rounds(results, Console(highlight=False, width=max(console.width, TABLE_WIDTH)))
    console.print(f"Written: {path}, {plot_rounds(results, out, name)}")


def _any_raw(arms: list[Arm]) -> bool:
    return any(arm.vectors for arm in arms)
