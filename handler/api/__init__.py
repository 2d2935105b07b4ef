"""The HTTP API. Importing any part imports FastAPI, with the models of its OpenAPI document built at first use."""

from handler.api.deferred_models import import_fastapi

import_fastapi()
