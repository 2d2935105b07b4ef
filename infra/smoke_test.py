"""Import every module of ours that is in the artifact and use what is compiled; infra/Dockerfile ends with it."""

from __future__ import annotations

import importlib
import pkgutil

import botocore.session
import hnswlib
import numpy as np
import onnxruntime
from PIL import Image

import handler

index = hnswlib.Index(space="ip", dim=16)
index.init_index(max_elements=64, M=8, ef_construction=50)
index.add_items(np.eye(16, dtype=np.float32), np.arange(16))
labels, _ = index.knn_query(np.eye(16, dtype=np.float32), k=1)
if labels.ravel().tolist() != list(range(16)):
    raise SystemExit("smoke test: hnswlib does not find what it was given")
Image.new("RGB", (8, 8)).resize((4, 4))
onnxruntime.SessionOptions()
botocore.session.get_session().create_client("s3", region_name="us-east-1")
for module in pkgutil.walk_packages(handler.__path__, "handler."):
    importlib.import_module(module.name)
print("everything in the artifact can be imported")
