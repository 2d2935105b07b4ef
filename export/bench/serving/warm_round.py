"""One warm round against handlers that do nothing, all behind Mangum, in one run and taking turns.

A round is what Lambda sees: API Gateway's event in, `handler.lambda_entry.handler`, the answer's event out. Its shopper
is --rounds rounds into a session and answers every page with two likes and a dislike. Twenty shoppers play side by
side, and each of their answers is timed once, so that no page is asked for twice. `elsewhere` is the round of shoppers
whose pages so far came from another process, which alone remembers their sessions and products. The others are FastAPI
behind Mangum, too, with one POST route, and get the same events:

null   returns a constant page, a dict, and leaves the rest to FastAPI: its documentation's first example
typed  as null, and declares `-> dict[str, Any]`, with which this FastAPI writes JSON faster: stricter
bytes  returns the same page as bytes that were ready before: no JSON is written at all
empty  gets nothing and returns nothing: what FastAPI and Mangum cost alone

With --strategy another round takes turns with them: that of shoppers whose pages all come from that strategy.

Only the ratios mean anything: times on a shared machine do not. Reach: round at most 1.5, 1.7 and 2.0 x null at 459,
10,000 and 100,000 products; after 100 rounds 4 x; a `bayes` round at most 1.5 x a `mean` one.
"""

from __future__ import annotations

import json
import logging
import os
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.responses import Response
from mangum import Mangum

from export.bench.results import write_json
from export.bench.serving import charts, published
from export.bench.serving.bench_parser import new_parser
from export.bench.serving.gateway_events import NEXT, answer, post
from export.bench.serving.sessions import Sessions
from export.bench.serving.timing import Stopwatch, interleave, ratio_of_medians, summary
from handler import lambda_entry, pages
from handler.api.app import create_app
from handler.products.catalog import Catalog
from handler.recommend.strategies import STRATEGIES
from handler.runtime import Runtime
from handler.sessions.state import SessionState
from handler.sessions.tokens import SessionTokens
from handler.settings import Settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from export.bench.serving.gateway_events import Handler

SIZES = (459, 10_000, 100_000)
TARGETS = {459: 1.5, 10_000: 1.7, 100_000: 2.0}
LONG, LONG_TARGET = 100, 4.0
BAYES_TARGET = 1.5
SIDES = ("round", "null", "typed", "bytes", "empty")

# Where a round's time goes: steps that do not overlap, by the place where the code looks them up.
STEPS: dict[str, tuple[Any, str]] = {
    "read the token": (SessionTokens, "read"),
    "check the answer": (pages, "read_answer"),
    "update the preference": (SessionState, "answer"),
    "choose the page": (pages, "next_page"),
    "write the token": (SessionTokens, "write"),
    "look products up": (Catalog, "by_labels"),
}


def main() -> None:
    options = _parse_options()
    logging.disable(logging.WARNING)
    measured = {count: _measure(options, count) for count in options.products}
    targets = dict.fromkeys(options.products, LONG_TARGET) if options.rounds >= LONG else TARGETS
    path = write_json(options.out, "round", {"targets": targets, "rounds": options.rounds, "sizes": measured})
    _print(measured, targets)
    if options.strategy:
        _print_strategy(measured, options.strategy)
    plot = _plot(options.out, measured, options.rounds, targets)
    print(f"\nWritten: {path}, {plot}")


def _measure(options: argparse.Namespace, count: int) -> dict[str, Any]:
    handler = _real_handler(published.published_bundle(options.work, count))
    strategy = options.strategy
    here = Sessions(handler, options.rounds, {"": {}, **({strategy: {"strategy": strategy}} if strategy else {})})
    elsewhere = Sessions(_another_process(), options.rounds, {"": {}})

    def prepare(turn: int) -> None:
        here.prepare(turn)
        elsewhere.prepare(turn)

    prepare(0)
    page = answer(handler, here.event(0))
    nulls = _null_handlers(page)
    nothing = post(NEXT, None)
    sides: dict[str, Callable[[int], object]] = {
        "round": lambda turn: handler(here.event(turn), None),
        "elsewhere": lambda turn: handler(elsewhere.event(turn), None),
        "null": lambda turn: nulls["null"](here.event(turn), None),
        "typed": lambda turn: nulls["typed"](here.event(turn), None),
        "bytes": lambda turn: nulls["bytes"](here.event(turn), None),
        "empty": lambda _: nulls["empty"](nothing, None),
    }
    if strategy:
        sides[strategy] = lambda turn: handler(here.event(turn, strategy), None)
    seconds = interleave(sides, options.repeat, prepare)
    watch = Stopwatch(STEPS)
    for turn in range(options.repeat // 4):
        prepare(turn)
        with watch:
            handler(here.event(turn), None)
        nulls["null"](here.event(turn), None)  # so that no step finds its code and data in the caches, as above
    steps = watch.medians_ms()
    return {
        "page_bytes": len(json.dumps(page)),
        "request_bytes": len(here.event(0)["body"]),
        **{name: summary(taken) for name, taken in seconds.items()},
        **{f"to_{side}": ratio_of_medians(seconds["round"], seconds[side]) for side in SIDES[1:]},
        "elsewhere_to_null": ratio_of_medians(seconds["elsewhere"], seconds["null"]),
        **({f"{strategy}_to_round": ratio_of_medians(seconds[strategy], seconds["round"])} if strategy else {}),
        "steps_ms": {
            **steps,
            "check the body, write JSON": round(
                summary(seconds["round"])["median_ms"] - summary(seconds["bytes"])["median_ms"] - sum(steps.values()), 4
            ),
            "FastAPI and Mangum (bytes)": summary(seconds["bytes"])["median_ms"],
        },
    }


def _real_handler(bundles: Path) -> Handler:
    """The Lambda entry point as a new process would have it, configured by its environment."""
    os.environ["VITRINE_BUNDLES"] = str(bundles)
    os.environ["VITRINE_SIGNING_KEYS"] = "k" * 32
    lambda_entry._adapter.cache_clear()
    return lambda_entry.handler


def _another_process() -> Handler:
    """A second application with the same settings, which shares nothing with the first."""
    handler: Handler = Mangum(create_app(Runtime(Settings.from_env(os.environ))), lifespan="off")
    return handler


def _null_handlers(page: dict[str, Any]) -> dict[str, Handler]:
    text = json.dumps(page)

    async def null():  # type: ignore[no-untyped-def]  # noqa: ANN202, RUF100  undeclared on purpose
        return page

    async def typed() -> dict[str, Any]:
        return page

    async def ready() -> Response:
        return Response(text, media_type="application/json")

    async def empty() -> Response:
        return Response()

    return {name: _mount(route) for name, route in zip(SIDES[1:], (null, typed, ready, empty), strict=True)}


def _mount(route: Callable[[], Any]) -> Handler:
    app = FastAPI()
    app.post(NEXT)(route)
    handler: Handler = Mangum(app, lifespan="off")
    return handler


def _print(measured: dict[int, dict[str, Any]], targets: Mapping[int, float]) -> None:
    rows = []
    for count, one in measured.items():
        ratio = one["to_null"]
        rows.append(
            (
                f"{count:,}",
                *(f"{one[side]['median_ms']:.3f} ({one[side]['p90_ms']:.3f})" for side in SIDES),
                f"{ratio['ratio']:.2f} [{ratio['low']:.2f}, {ratio['high']:.2f}]",
                f"{one['elsewhere_to_null']['ratio']:.2f}",
                *(f"{one[f'to_{side}']['ratio']:.2f}" for side in SIDES[2:]),
                charts.verdict(ratio, targets.get(count)),
            )
        )
    sides = tuple(f"{side} ms (p90)" for side in SIDES)
    header = ("products", *sides, "to null [95 %]", "elsewhere", *(f"to {side}" for side in SIDES[2:]), "reach")
    charts.print_table(header, rows)
    print("\nWhere a round's time goes, median ms:")
    sizes = list(measured)
    steps = [
        (step, *(f"{measured[size]['steps_ms'][step]:.3f}" for size in sizes))
        for step in measured[sizes[0]]["steps_ms"]
    ]
    charts.print_table(("step", *(f"{size:,}" for size in sizes)), steps)


def _print_strategy(measured: dict[int, dict[str, Any]], strategy: str) -> None:
    print()
    rows = []
    for count, one in measured.items():
        ratio = one[f"{strategy}_to_round"]
        interval = f"{ratio['ratio']:.2f} [{ratio['low']:.2f}, {ratio['high']:.2f}]"
        rows.append((f"{count:,}", f"{one[strategy]['median_ms']:.3f}", interval, charts.verdict(ratio, BAYES_TARGET)))
    charts.print_table(("products", f"{strategy} ms", "to round [95 %]", "reach"), rows)


def _plot(out: Path, measured: dict[int, dict[str, Any]], rounds: int, targets: Mapping[int, float]) -> Path:
    sides = {"one round": "round", "null": "null", "null, typed": "typed", "null, ready-made bytes": "bytes"}
    return charts.write_bars(
        out,
        "round",
        f"One warm round, {rounds} rounds into a session, against a handler that does nothing",
        "ms",
        {
            name: {f"{n:,}": (one[side]["median_ms"], one[side]["p90_ms"]) for n, one in measured.items()}
            for name, side in sides.items()
        },
        {f"{n:,} products": one["to_null"] for n, one in measured.items()},
        {f"{count:,} products": targets[count] for count in measured if count in targets},
    )


def _parse_options() -> argparse.Namespace:
    parser = new_parser(__doc__, SIZES)
    add = parser.add_argument
    add("--rounds", type=int, default=10, metavar="R", help="pages answered before the one measured (default: 10)")
    add("--repeat", type=int, default=2_000, metavar="T", help="turns that each side gets (default: 2000)")
    add("--strategy", choices=sorted(STRATEGIES), help="measure rounds of this strategy, too")
    return parser.parse_args()


if __name__ == "__main__":
    main()
