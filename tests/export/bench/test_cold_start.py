"""The benchmark of cold starts from S3: both sides read the same objects of a real server."""

from __future__ import annotations

import os
from pathlib import Path

from export.bench.serving import cold_start, fresh_processes
from handler.manifest import CURRENT_KEY, MANIFEST_FILE
from tests.conftest import KEY


def test_null_reads_from_s3_what_a_first_page_fetches(bundles: Path, tmp_path: Path) -> None:
    with cold_start._in_s3(bundles) as source:
        environment = {**os.environ, **source.variables, "VITRINE_SIGNING_KEYS": KEY, "VITRINE_EVENTS": "off"}
        assert source.prepare
        source.prepare()
        assert "botocore" in fresh_processes.run(["modules"], environment)[0].split()
        cache = Path(source.variables["VITRINE_CACHE"])
        files = [path for path in cache.rglob("*") if path.is_file() and path.name != ".lock"]
        read = {line.removeprefix("object ").partition("/")[2] for line in source.reads}
        manifest = next(key for key in read if key.endswith(MANIFEST_FILE))
        assert read == {CURRENT_KEY, manifest, *(path.relative_to(cache).as_posix() for path in files)}
        assert source.file_bytes == sum((bundles / key).stat().st_size for key in read)
        plan = cold_start._write_plan(tmp_path / "null", ["json"], source.reads)
        assert len(fresh_processes.run(["null", plan], environment)[0].split()) == 5
        source.prepare()
        assert not cache.exists()
