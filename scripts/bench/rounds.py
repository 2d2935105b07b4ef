"""How many rounds of ten until the product in mind is on the page: `vitrine bench rounds`, with the same options."""

from __future__ import annotations

import sys

from export.cli import main

if __name__ == "__main__":
    sys.argv[1:1] = ["bench", "rounds"]
    main()
