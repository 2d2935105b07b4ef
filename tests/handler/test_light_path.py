"""A cold start is as fast as what it imports: a page needs no encoder, no pictures and no cloud client."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.conftest import KEY
from tests.handler.support import event

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = {
    "PIL",
    "boto3",
    "botocore",
    "export",
    "onnxruntime",
    "pyarrow",
    "rich",
    "torch",
    "transformers",
    "typer",
    "uvicorn",
}

TWO_PAGES = """
import json, sys
from handler.lambda_entry import handler

start, following = json.load(sys.stdin)
first = handler(start, None)
page = json.loads(first["body"])
following["body"] = json.dumps({"session": page["session"], "liked": [page["items"][0]["id"]]})
second = handler(following, None)
models = vars(sys.modules["fastapi.openapi.models"]).values()
json.dump(
    {
        "statuses": [first["statusCode"], second["statusCode"]],
        "modules": sorted(sys.modules),
        "built": [model.__name__ for model in models if getattr(model, "__pydantic_complete__", False)],
        "deferred": sys.modules["pydantic"].BaseModel.model_config.get("defer_build", False),
    },
    sys.stdout,
)
"""


IMPORT = """
import gc, json
before = [generation["collections"] for generation in gc.get_stats()]
import handler.lambda_entry
after = [generation["collections"] for generation in gc.get_stats()]
print(json.dumps([before, after, gc.get_freeze_count(), gc.isenabled()]))
"""


def test_no_collection_runs_while_the_entry_point_is_imported() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True, timeout=60)
    before, after, frozen, enabled = json.loads(done.stdout)
    assert sum(after) - sum(before) < 20, "150 would run otherwise"
    assert frozen > 50_000
    assert enabled


def test_two_pages_load_nothing_heavy(bundles: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", TWO_PAGES],
        input=json.dumps([event("start_session"), event("next_page")]),
        env={**os.environ, "VITRINE_BUNDLES": str(bundles), "VITRINE_SIGNING_KEYS": KEY},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    answer = json.loads(done.stdout.splitlines()[-1])  # above it: log lines
    assert answer["statuses"] == [200, 200]
    loaded = {name.partition(".")[0] for name in answer["modules"]}
    assert not loaded & HEAVY
    assert "hnswlib" in loaded  # the list is what was really loaded
    assert not {"OpenAPI", "OAuthFlowImplicit", "APIKey"} & set(answer["built"]), "models of the OpenAPI document"
    assert answer["built"], "FastAPI itself builds some of them, so the list is what was really built"
    assert answer["deferred"] is False, "models that are not FastAPI's are built where they are declared"
