"""One fresh process of `vectors`: opens an index file, answers queries, and prints as JSON what that took.

    python -m export.bench.serving.open_vectors '{"kind": ..., "mode": ..., "path": ..., "info": ..., ...}'

Memory is what the process gained after it had imported the library: `anonymous` bytes of its own, and `mapped` bytes of
files, which the kernel can drop and read again.
"""

from __future__ import annotations

import json
import sys
import time
from importlib import import_module
from pathlib import Path

import numpy as np

from export.bench.serving.first_page import memory
from export.bench.serving.vector_files import KINDS, open_file
from handler.manifest import IndexInfo

_MODULES = {"hnswlib": "handler.products.neighbors", "usearch": "usearch.index"}
_K = 10


def main() -> None:
    asked = json.loads(sys.argv[1])
    kind = KINDS[asked["kind"]]
    import_module(_MODULES[kind.library])
    queries = np.load(asked["queries"], allow_pickle=False)
    info = IndexInfo.model_validate(asked["info"])
    _, anonymous, mapped = memory()
    started = time.process_time()
    search = open_file(kind, asked["mode"], Path(asked["path"]), info, asked["limit"])
    opened = time.process_time()
    for query in queries:
        search(query, _K)
    searched = time.process_time()
    _, anonymous_after, mapped_after = memory()
    answer = {
        "open_s": opened - started,
        "queries_s": searched - opened,
        "anonymous": anonymous_after - anonymous,
        "mapped": mapped_after - mapped,
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
