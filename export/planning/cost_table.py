"""A month of the stack beside other ways to get the same, as the Markdown table of infra/README.md.

    python -m export.planning.cost_table                                  0, 1 million and 100 million rounds
    python -m export.planning.cost_table --rounds 5e6 --products 100000 --snapstart on

Prices come from export/planning/prices.toml. The options are what was measured or assumed; infra/README.md says which.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields
from typing import TYPE_CHECKING

from export.planning import cost
from export.planning.figures import prices

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_ROUNDS = (0.0, 1e6, 1e8)
INDEX_DIM = 256
"""Dimensions that a catalog keeps of the embedded encoder's 1,664."""


def table(rounds: Sequence[float], a: cost.Assumptions) -> str:
    price = prices()
    months = {each: cost.vitrine(each, a, price) for each in rounds}
    rows = [["rounds a month", *(f"{each:,.0f}" for each in months)], ["---", *("---:" for _ in months)]]
    rows += [[name, *(f"{month.lines[name]:,.2f}" for month in months.values())] for name in _lines(a)]
    rows.append(["**Vitrine**", *(f"**{month.total:,.2f}**" for month in months.values())])
    s3_vectors = (sum(cost.s3_vectors(each, a.products, INDEX_DIM, price).values()) for each in months)
    rows.append(["S3 Vectors, its queries alone", *(f"{dollars:,.2f}" for dollars in s3_vectors)])
    rows.append(["always-on vector database, its floor", *(f"{cost.vector_database(a, price):,.2f}" for _ in months)])
    rows.append(["managed recommender, list price", *(f"{cost.recommender(each, price):,.2f}" for each in months)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _lines(a: cost.Assumptions) -> list[str]:
    return list(cost.vitrine(0, a, prices()).lines)


def parse(arguments: Sequence[str]) -> tuple[list[float], cost.Assumptions]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=float, nargs="+", default=list(DEFAULT_ROUNDS))
    groups = {name: parser.add_argument_group(name) for name in ("measured", "assumed")}
    for field in fields(cost.Assumptions):
        option = f"--{field.name.replace('_', '-')}"
        if isinstance(field.default, bool):
            default = "on" if field.default else "off"
            parser.add_argument(option, choices=("on", "off"), default=default, help="default %(default)s")
        else:
            group = groups[field.metadata["group"]]
            group.add_argument(option, type=float, default=field.default, help=f"default {field.default:.10g}")
    values = vars(parser.parse_args(arguments))
    rounds = values.pop("rounds")
    switched = {name: value == "on" if isinstance(value, str) else value for name, value in values.items()}
    return rounds, cost.Assumptions(**switched)


if __name__ == "__main__":
    sys.stdout.write(table(*parse(sys.argv[1:])) + "\n")
