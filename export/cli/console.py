"""Where the commands write: notes for people on standard error, answers on standard output."""

from __future__ import annotations

import sys

from rich.console import Console

console = Console(stderr=True, highlight=False)
# Without a terminal, Rich assumes 80 columns and would truncate output that another program reads.
answer = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
