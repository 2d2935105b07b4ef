"""The checks that stand between an artifact and somebody else's CPU, shown on libraries compiled to break them."""

from __future__ import annotations

import py_compile
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from infra import build_function, check_artifact

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = "void scale(float *x, int n) { for (int i = 0; i < n; i++) x[i] *= 3.f; }"
compiler = shutil.which("gcc")
needs_compiler = pytest.mark.skipif(
    not compiler or not shutil.which("objdump"), reason="compiles a library and looks into it: needs gcc and objdump"
)


def library(folder: Path, *flags: str) -> Path:
    (folder / "scale.c").write_text(SOURCE)
    path = folder / "hnswlib.cpython-313-x86_64-linux-gnu.so"
    command = [str(compiler), "-shared", "-fPIC", "-O3", *flags, str(folder / "scale.c"), "-o", str(path)]
    subprocess.run(command, check=True)
    return path


@needs_compiler
@pytest.mark.parametrize(
    "flags", [("-march=x86-64-v4", "-mprefer-vector-width=512"), ("-march=skylake-avx512", "-mprefer-vector-width=512")]
)
def test_avx512_is_found(tmp_path: Path, flags: tuple[str, ...]) -> None:
    path = library(tmp_path, *flags)
    assert check_artifact.avx512_instructions(path)
    assert "AVX-512" in check_artifact.compiled_for_another_cpu(tmp_path)[0]


@needs_compiler
def test_the_builds_compiler_flags_avoid_avx_512(tmp_path: Path) -> None:
    assert "-march=x86-64-v3" in build_function.MARCH
    assert "ymm" in check_artifact.objdump("--disassemble", library(tmp_path, "-march=x86-64-v3"))
    assert check_artifact.compiled_for_another_cpu(tmp_path) == []


@needs_compiler
def test_a_library_for_a_newer_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "libprint.so"
    (tmp_path / "print.c").write_text('#include <stdio.h>\nvoid show(void) { puts("x"); }')
    subprocess.run([str(compiler), "-shared", "-fPIC", str(tmp_path / "print.c"), "-o", str(path)], check=True)
    assert check_artifact.wants_newer_libraries(tmp_path) == []
    monkeypatch.setattr(check_artifact, "GLIBC", (2, 0))
    assert "libprint.so wants GLIBC 2." in check_artifact.wants_newer_libraries(tmp_path)[0]


def test_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "numpy").mkdir()
    (tmp_path / "numpy" / "core.so").write_bytes(bytes(2_000_000))
    assert check_artifact.too_big(tmp_path) == []
    assert "2.0 MB  numpy" in check_artifact.size_table(tmp_path)
    monkeypatch.setattr(check_artifact, "LIMIT_MEGABYTES", 1)
    assert "Lambda takes 1 MB" in check_artifact.too_big(tmp_path)[0]


def test_bytecode_must_not_depend_on_the_times_of_files(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text("")
    py_compile.compile(str(module), invalidation_mode=py_compile.PycInvalidationMode.TIMESTAMP)
    [problem] = check_artifact.bytecode_tied_to_times(tmp_path)
    assert problem.startswith("1 files of bytecode depend on the times of their modules, the first: __pycache__/module")
    py_compile.compile(str(module), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    assert check_artifact.bytecode_tied_to_times(tmp_path) == []


def test_a_function_contains_only_the_modules_it_imports() -> None:
    api = {str(path) for path in build_function.imported_by("handler.lambda_entry")}
    assert {"handler/__init__.py", "handler/lambda_entry.py", "handler/stores/s3_store.py"} <= api
    assert not [path for path in api if path.startswith("export")]
    reindex = {str(path) for path in build_function.imported_by("export.reindex.job")}
    assert "export/reindex/job.py" in reindex
    assert (
        not {"handler/api/app.py", "handler/api/routes.py", "export/model/export_model.py", "export/model/trace.py"}
        & reindex
    )


def test_everything_that_is_installed_is_locked() -> None:
    for function in build_function.FUNCTIONS.values():
        for line in (build_function.ROOT / function.requirements).read_text().splitlines():
            if line and not line.startswith("#"):
                assert build_function.locked(line).startswith(f"{line}==")
