"""The artifact as `sam build` makes it, under the Runtime Interface Emulator with awslambdaric.

`scripts/check-stack` runs these: they need the emulator, which comes with aws-sam-cli, and a build of half a minute.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from export.bench.serving import in_emulator
from export.bench.serving.lambda_emulator import (
    RIES,
    base_python,
    build_api,
    build_environment,
    emulator,
    install_client,
)
from handler.manifest import CURRENT_KEY
from infra import check_artifact
from tests.conftest import KEY
from tests.handler.support import event
from tests.infra.template import ROOT
from tests.load.play_invocations import play
from tests.load.usage import usage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from export.bench.serving.lambda_emulator import Emulated

pytestmark = [
    pytest.mark.skipif(not RIES, reason="no aws-sam-cli in build/sam; scripts/check-stack makes it and runs this"),
    pytest.mark.skipif(os.geteuid() != 0, reason="mounting the artifact read-only needs root"),
    pytest.mark.xdist_group("rie"),
]
ODD_HANDLERS = """
import time

def slow(event, context):
    time.sleep(event["seconds"])
    return context.get_remaining_time_in_millis()

def big(event, context):
    return "x" * event["bytes"]

def write(event, context):
    import os
    try:
        open(os.environ["LAMBDA_TASK_ROOT"] + "/mark", "w")
    except OSError as error:
        return error.strerror
"""


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lambda") / "ApiFunction"
    build_api(folder)
    (folder / "odd_handlers.py").write_text(ODD_HANDLERS)
    return folder


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("client")
    install_client(folder)
    return folder


@pytest.fixture(scope="module")
def variables(bundles: Path) -> dict[str, str]:
    return {"VITRINE_BUNDLES": str(bundles), "VITRINE_SIGNING_KEYS": KEY, "OPENBLAS_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def api(artifact: Path, client: Path, variables: dict[str, str]) -> Iterator[Emulated]:
    with emulator(RIES[0], client, artifact, "handler.lambda_entry.handler", variables) as emulated:
        yield emulated


def page(emulated: Emulated, name: str, body: object = None) -> Any:
    status, answer = emulated.invoke(event(name, body))
    assert (status, answer["statusCode"]) == (200, 200), f"{answer}\n{emulated.log()}"
    return json.loads(answer["body"])


def test_hnswlib_in_the_artifact_runs_on_a_cpu_without_avx512(artifact: Path) -> None:
    (library,) = artifact.glob("hnswlib*.so")
    assert check_artifact.avx512_instructions(library) == []
    assert "ymm" in check_artifact.objdump("--disassemble", library)  # AVX2 is there to be used


def test_the_artifact_has_no_tools_of_the_laptop(artifact: Path) -> None:
    assert not [name for name in ("export", "rich", "typer", "uvicorn", "bin", "tests") if (artifact / name).exists()]
    assert not [*artifact.rglob("*.pyi")]
    assert [*(artifact / "handler").rglob("*.pyc")]  # or every cold start would compile it again


def test_everything_in_the_artifact_can_be_imported(artifact: Path) -> None:
    """The command that infra/Dockerfile ends with."""
    command = [base_python(), "-S", str(ROOT / "infra" / "smoke_test.py")]
    done = subprocess.run(command, env={"PYTHONPATH": str(artifact)}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (artifact / "handler" / "broken.py").write_text("import torch")
    done = subprocess.run(command, env={"PYTHONPATH": str(artifact)}, capture_output=True, text=True, check=False)
    (artifact / "handler" / "broken.py").unlink()
    assert done.returncode != 0


def play_two_rounds(emulated: Emulated) -> None:
    first = page(emulated, "start_session")
    liked = [item["id"] for item in first["items"][:2]]
    second = page(emulated, "next_page", {"session": first["session"], "liked": liked})
    assert (first["round"], second["round"], len(second["items"])) == (1, 2, 10)
    assert not {item["id"] for item in first["items"]} & {item["id"] for item in second["items"]}


def test_two_rounds_with_the_returned_token(api: Emulated) -> None:
    play_two_rounds(api)


def test_shoppers_who_take_turns_meet_no_error_and_leave_no_descriptors(api: Emulated, tmp_path: Path) -> None:
    """What `scripts/load-test --rie` does for longer."""
    play(api, 40, 60, shoppers=3)
    before = usage(api.runtime_process, tmp_path)
    played = play(api, 40, 60, shoppers=3)
    assert not played.errors
    assert {kind: len(times) for kind, times in played.times.items()} == {"page": 40, "photo": 2, "bundle": 2}
    assert usage(api.runtime_process, tmp_path).descriptors == before.descriptors


def test_the_gallery_and_the_description_are_in_it(api: Emulated) -> None:
    for name in ("gallery", "openapi", "health"):
        status, answer = api.invoke(event(name))
        assert (status, answer["statusCode"]) == (200, 200)


def test_a_build_with_a_baked_bundle_answers_from_it(
    client: Path, bundles: Path, bucket: str, s3: S3Client, tmp_path: Path
) -> None:
    """By the command that `BUNDLE=STORE sam build` runs; S3 has the pointer and nothing that it points to."""
    task = tmp_path / "ApiFunction"
    task.mkdir()
    settings = [f"ARTIFACTS_DIR={task}", f"BUNDLE={bundles}", f"BUILDER={sys.executable}"]
    command = ["make", "--makefile", str(ROOT / "infra" / "Makefile"), "build-ApiFunction", *settings]
    done = subprocess.run(command, env=build_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    s3.upload_file(str(bundles / CURRENT_KEY), bucket, CURRENT_KEY)
    variables = {
        **{name: value for name, value in os.environ.items() if name.startswith("AWS_")},
        "VITRINE_BUNDLES": f"s3://{bucket}",
        "VITRINE_SIGNING_KEYS": KEY,
        "VITRINE_CACHE": str(tmp_path / "cache"),
    }
    with emulator(RIES[0], client, task, "handler.lambda_entry.handler", variables) as baked:
        play_two_rounds(baked)
        assert page(baked, "search_image")["items"]
    assert not (tmp_path / "cache").exists()


def test_the_bench_starts_cold_functions(variables: dict[str, str]) -> None:
    with in_emulator.function() as start:
        modules = start(["modules"], variables)[0].split()
        assert {"fastapi", "handler.lambda_entry"} < {*modules}
        cpu, own_cpu, *memory = map(float, start(["next"], variables)[0].split())
        assert 0 < own_cpu < cpu
        assert len(memory) == 3
        with pytest.raises(RuntimeError, match="no-such-plan"):
            start(["null", "no-such-plan"], variables)


def test_the_task_folder_cannot_be_written_to(artifact: Path, client: Path) -> None:
    with emulator(RIES[0], client, artifact, "odd_handlers.write", {}) as emulated:
        assert emulated.invoke({}) == (200, "Read-only file system")


def test_a_function_that_takes_too_long_is_ended_and_the_next_call_is_answered(artifact: Path, client: Path) -> None:
    with emulator(RIES[0], client, artifact, "odd_handlers.slow", {}, timeout=2) as emulated:
        _, answer = emulated.invoke({"seconds": 10})
        assert "timed out after 2" in str(answer)
        _, left = emulated.invoke({"seconds": 0})
        assert 0 < left <= 2_000


def test_an_answer_above_six_megabytes_is_refused_and_ours_are_far_below(
    artifact: Path, client: Path, api: Emulated
) -> None:
    with emulator(RIES[0], client, artifact, "odd_handlers.big", {}) as emulated:
        assert emulated.invoke({"bytes": 6_000_000})[1] == "x" * 6_000_000
        _, refused = emulated.invoke({"bytes": 6_400_000})
        assert "ResponseSizeTooLarge" in str(refused)[:300]
    largest = api.invoke(event("start_session", {"count": 50}))[1]
    assert len(json.dumps(largest)) < 100_000
