"""FastAPI's import, without building pydantic models that only its OpenAPI document needs."""

from __future__ import annotations

import importlib

from pydantic import BaseModel, ConfigDict


def import_fastapi() -> None:
    """Import FastAPI such that pydantic builds each of its models at first use: a third less of its import.

    FastAPI declares some forty models of an OpenAPI document, and a request needs none of them. `defer_build` is
    pydantic's own setting for that. FastAPI does not expose it, so its models inherit it from BaseModel, which gets
    its own configuration back at the end. Does nothing if FastAPI was imported before.
    """
    before = BaseModel.model_config
    BaseModel.model_config = ConfigDict(**before, defer_build=True)
    try:
        importlib.import_module("fastapi")
    finally:
        BaseModel.model_config = before
