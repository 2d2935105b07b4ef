"""Write handler/openapi.json, the API as clients are generated from it:  python scripts/write_openapi.py

It is committed so that a change of the API shows up in a review as what clients will see of it, and so that the
TypeScript client in tests/typescript is generated without a server. A test compares it with the routes.
"""

import json
from pathlib import Path

from handler.api.app import create_app
from handler.runtime import Runtime
from handler.settings import Settings

OUT = Path(__file__).parents[1] / "handler" / "openapi.json"


def render() -> str:
    """The document; the settings matter to nothing in it, and no bundle is opened."""
    app = create_app(Runtime(Settings(bundles="bundles", signing_keys=("k" * 32,))))
    return json.dumps(app.openapi(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    OUT.write_text(render(), encoding="utf-8")
    print(f"Written: {OUT}")
