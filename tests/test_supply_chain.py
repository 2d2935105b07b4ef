"""What Vitrine installs is pinned by hash, and what it opens cannot run code."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from scripts import audit_report, locked

ROOT = Path(__file__).parents[1]
LOCK = locked.read_lock((ROOT / "requirements.lock").read_text(encoding="utf-8"))
SOURCES = [path for name in ("handler", "export", "infra", "scripts") for path in sorted((ROOT / name).rglob("*.py"))]
EXTRAS = ("export", "parquet", "aws", "bench", "judge", "test", "lint", "audit", "compiler")


def names(extras: list[str]) -> set[str]:
    return {entry.name for entry in locked.reachable(LOCK, locked.direct(extras))}


def installed(requirement: Requirement, seen: set[str]) -> set[str]:
    """The names of an installed package's dependencies here, by its own metadata, extras included."""
    name = locked.normalized(requirement.name)
    needs = map(Requirement, metadata.requires(name) or [])
    for need in needs:
        wanted = any(
            need.marker is None or need.marker.evaluate({"extra": extra}) for extra in ("", *requirement.extras)
        )
        if wanted and locked.normalized(need.name) not in seen:
            seen.add(locked.normalized(need.name))
            installed(need, seen)
    return seen


def test_every_entry_of_the_lock_has_hashes() -> None:
    assert len(LOCK) > 100
    for entry in LOCK:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry.text), entry.pin


@pytest.mark.parametrize("extra", ["", *EXTRAS])
def test_the_selection_from_the_lock_names_all_that_an_extra_needs(extra: str) -> None:
    found = names([extra] if extra else [])
    assert locked.direct([extra] if extra else []) <= found
    try:
        needed = installed(Requirement(f"vitrine[{extra}]" if extra else "vitrine"), set())
    except metadata.PackageNotFoundError as error:
        pytest.skip(f"{error.name} is not installed here")
    assert {name for name in needed if not locked.CUDA.fullmatch(name)} <= found


def test_a_selection_is_no_larger_than_it_has_to_be() -> None:
    assert names([]).isdisjoint({"torch", "boto3", "pytest", "pyarrow", "uv"})
    assert not any(locked.CUDA.fullmatch(name) for name in names(["export"]))


def run_locked(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / "locked.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_only_torch_is_installed_without_its_hash() -> None:
    assert re.fullmatch(r"torch==\S+\n", run_locked("unhashed", *EXTRAS).stdout)
    assert run_locked("unhashed").stdout == ""
    assert not re.search("^torch==", run_locked("hashed", *EXTRAS).stdout, re.MULTILINE)


def test_an_unknown_extra_or_package_is_an_error_that_names_it() -> None:
    unknown = run_locked("hashed", "tset")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "no extra tset; it has export" in unknown.stderr
    assert "does not name nosuch; run scripts/lock" in run_locked("hashed", "--packages", "nosuch").stderr


def calls(tree: ast.AST) -> list[tuple[str, ast.Call]]:
    return [(ast.unparse(node.func), node) for node in ast.walk(tree) if isinstance(node, ast.Call)]


def test_nothing_is_unpickled() -> None:
    forbidden = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
    loads = 0
    for path in SOURCES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = {
            (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
        assert not {name.partition(".")[0] for name in imported} & forbidden, path
        for name, call in calls(tree):
            if name in ("np.load", "numpy.load"):
                given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
                assert given.get("allow_pickle") == "False", f"{path}:{call.lineno}"
                loads += 1
            assert name not in ("torch.load", "eval", "exec"), f"{path}:{call.lineno}"
    assert loads, "no np.load was found: the test looks in the wrong place"


def test_the_handler_opens_models_in_one_place_for_each_runtime() -> None:
    """Nothing opens a model past `Encoder` and `TextEncoder`, and requests reach these through `store.fetch` alone.

    `fetch_encoder` and `fetch_text_encoder` pass the manifest's FileRef of every file to the store, which compares the
    size and the SHA-256 before it returns a path; the text tower's tokenizer and `text.json` are among those files.
    """
    opening = [
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        for name, _ in calls(ast.parse(path.read_text(encoding="utf-8")))
        if path.is_relative_to(ROOT / "handler") and name.endswith(("InferenceSession", "onnx.load", "read_model"))
    ]
    assert sorted(opening) == [
        "handler/photos/onnx_session.py",
        "handler/photos/openvino_session.py",
        "handler/words/text_encoder.py",
    ]
    users = [
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        for name, _ in calls(ast.parse(path.read_text(encoding="utf-8")))
        if name in ("open_onnx", "OpenVinoSession")
    ]
    assert users == ["handler/photos/encoder.py"] * 2


@pytest.fixture
def audited(tmp_path: Path) -> Path:
    components = [{"name": "numpy", "version": "2.4.6"}, {"name": "nosuch", "version": "1"}]
    (tmp_path / "sbom.json").write_text(json.dumps({"components": components}))
    return tmp_path


def test_an_audit_without_a_network_says_so_and_passes(audited: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit_report.main(audited) == 0
    assert "Vulnerabilities were not checked" in capsys.readouterr().out
    assert (audited / "licenses.txt").read_text().splitlines()[0] == "nosuch 1: not installed on this platform"
    assert "BSD" in (audited / "licenses.txt").read_text()


def test_an_audit_fails_for_a_vulnerability_and_counts_what_it_could_not_check(
    audited: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = {"name": "a", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}
    unknown = {"name": "b", "skip_reason": "not found"}
    (audited / "vulnerabilities.json").write_text(json.dumps({"dependencies": [bad, unknown]}))
    assert audit_report.main(audited) == 1
    output = capsys.readouterr().out
    assert "a 1: PYSEC-1, fixed in 2" in output
    assert "1 known vulnerabilities in 1 packages; 1 are unknown to the package index" in output
