"""Fill a directory with what one Lambda function needs and nothing more:  build_function.py FUNCTION DIRECTORY

`sam build` calls it through infra/Makefile, `scripts/build-lambda` directly. RUNTIME (default python3.13) names the
interpreter that the artifact is for; it has to be on this machine, because hnswlib comes as source. MILVUS=1 adds what
serving from a Milvus server needs (infra/milvus.txt). Everything else is
a wheel, taken for Amazon Linux 2023 whatever the system here is. The steps of the re-index need the same packages, so
what is installed is kept in build/packages and copied. Needs nothing but the standard library.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"
STRIP = ROOT / "infra" / "strip_packages.py"
FROM_SOURCE = "hnswlib"
# Amazon Linux 2023 has glibc 2.34; a wheel for a newer one would not load.
PLATFORMS = [f"manylinux_2_{minor}_x86_64" for minor in (34, 31, 28, 27, 17)] + ["manylinux2014_x86_64"]
# Every Lambda host has AVX2 and not every one AVX-512: hnswlib's own default, -march=native, dies there of SIGILL.
# Linked to libstdc++ as ever: a static one brings its builder's glibc along (arc4random, 2.36 on Debian 12).
MARCH = "-O3 -march=x86-64-v3"
BUILD_ENVIRONMENT = {"HNSWLIB_NO_NATIVE": "1", "CFLAGS": MARCH, "CXXFLAGS": MARCH}


@dataclass(frozen=True)
class Function:
    """`entry` is the module that Lambda imports; what it imports of ours, and no more, comes along."""

    entry: str
    requirements: str
    data: tuple[str, ...]
    asks_milvus: bool = False
    unused_with_milvus: tuple[str, ...] = ()
    """Packages that make way for pymilvus, which would not fit beside them."""


_REINDEX = Function("export.reindex.job", "infra/reindex.txt", ("export/embedded",))
# They run no encoder.
_PUBLISH = replace(_REINDEX, asks_milvus=True, unused_with_milvus=("onnxruntime",))
FUNCTIONS = {
    "ApiFunction": Function("handler.lambda_entry", "infra/api.txt", ("handler/static",), asks_milvus=True),
    **dict.fromkeys(("PlanFunction", "EmbedFunction"), _REINDEX),
    **dict.fromkeys(("BuildFunction", "PruneFunction"), _PUBLISH),
}


def main() -> None:
    if len(sys.argv) != 3 or sys.argv[1] not in FUNCTIONS:
        sys.exit(f"Usage: build_function.py {{{'|'.join(FUNCTIONS)}}} DIRECTORY")
    build(FUNCTIONS[sys.argv[1]], Path(sys.argv[2]).resolve(), os.environ.get("RUNTIME", "python3.13"))


def build(function: Function, directory: Path, runtime: str) -> None:
    python = find_python(runtime)
    shutil.copytree(packages(listed(function), python, runtime), directory, dirs_exist_ok=True)
    copy_ours(function, directory)
    # /var/task is read-only: without bytecode every cold start would compile everything again. Unchecked, because a
    # zip file does not keep the times that Python would compare.
    compiled = ["-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    run(
        python,
        *compiled,
        *(str(directory / name) for name in ("export", "handler") if (directory / name).is_dir()),
        cwd=directory,
    )


def listed(function: Function) -> tuple[str, ...]:
    """The names of the packages that the function needs."""
    names = _names(function.requirements)
    if function.asks_milvus and os.environ.get("MILVUS") == "1":
        return (*(name for name in names if name not in function.unused_with_milvus), *_names("infra/milvus.txt"))
    return names


def _names(file: str) -> tuple[str, ...]:
    return tuple(line for line in (ROOT / file).read_text().splitlines() if line and not line.startswith("#"))


def packages(names: tuple[str, ...], python: str, runtime: str) -> Path:
    """A directory with the stripped and compiled packages `names`, installed once for each lock file, interpreter and
    version of this program."""

    def fill(directory: Path) -> None:
        install(names, directory, python, runtime)
        run(sys.executable, str(STRIP), str(directory), cwd=directory)
        run(python, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", str(directory), cwd=directory)

    return kept([*names, runtime], python, fill)


def wheel(python: str) -> Path:
    """The wheel of FROM_SOURCE for any CPU that Lambda may have, compiled once."""

    def fill(directory: Path) -> None:
        # No cache: pip would hand back a wheel that it once built for this very CPU.
        options = [
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--no-cache-dir",
            f"--no-binary={FROM_SOURCE}",
        ]
        run(python, "-m", "pip", "wheel", *options, "--wheel-dir", str(directory), locked(FROM_SOURCE), cwd=directory)

    (path,) = kept([FROM_SOURCE], python, fill).iterdir()
    return path


def kept(inputs: list[str], python: str, fill: Callable[[Path], None]) -> Path:
    """The directory that `fill` fills, in build/packages: filled again only if one of its inputs changes."""
    version = subprocess.run([python, "-VV"], capture_output=True, text=True, check=True).stdout
    inputs = [*inputs, LOCK.read_text(), Path(__file__).read_text(), STRIP.read_text(), version]
    target = ROOT / "build" / "packages" / hashlib.sha256("\n".join(inputs).encode()).hexdigest()[:16]
    if not target.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            new = Path(scratch) / "new"
            new.mkdir()
            fill(new)
            with contextlib.suppress(OSError):  # another build was faster
                new.rename(target)
    return target


def find_python(runtime: str) -> str:
    """The interpreter of the runtime; exits with the remedy if it is not here."""
    python = os.environ.get("PYTHON") or shutil.which(runtime)
    version = ""
    if python:
        shown = subprocess.run([python, "-V"], capture_output=True, text=True, check=False)
        version = shown.stdout
    if not python or not version.startswith(f"Python {runtime.removeprefix('python')}."):
        sys.exit(
            f"build: there is no working {runtime} on the PATH ({version.strip() or 'nothing'} answered); install it, "
            f"name it with PYTHON=..., build in a container (infra/Dockerfile), or build for what is here: "
            f"RUNTIME=python3.11 sam build --parameter-overrides Runtime=python3.11 SnapStart=off"
        )
    return python


def install(names: tuple[str, ...], directory: Path, python: str, runtime: str) -> None:
    for name in names:
        locked(name)  # or pip would try every version there ever was
    wheels = [name for name in names if name != FROM_SOURCE]
    # Not compiled by pip, whose bytecode is tied to the files' times.
    target = ["--quiet", "--disable-pip-version-check", "--no-compile", "--target", str(directory)]
    platforms = [f"--platform={name}" for name in PLATFORMS]
    version = f"--python-version={runtime.removeprefix('python')}"
    with tempfile.TemporaryDirectory() as scratch:
        pins = Path(scratch) / "pins.txt"  # without hashes: pip would want them for every name on the command line, too
        pins.write_text("\n".join(re.findall(r"^\S+==[^\\\n]*", LOCK.read_text(), re.MULTILINE)))
        pip(python, *target, "--only-binary=:all:", version, *platforms, f"-c{pins}", *wheels)
    if FROM_SOURCE in names:
        pip(python, *target, "--no-deps", str(wheel(python)))


def locked(name: str) -> str:
    found = re.search(rf"^{name}==\S+", LOCK.read_text(), re.MULTILINE)
    if not found:
        sys.exit(f"build: requirements.lock does not name {name}; run scripts/lock.")
    return found[0]


def pip(python: str, *arguments: str, cwd: str | Path = ROOT) -> None:
    run(python, "-m", "pip", "install", *arguments, cwd=cwd)


def run(*command: str, cwd: str | Path) -> None:
    subprocess.run(command, cwd=cwd, env={**os.environ, **BUILD_ENVIRONMENT}, check=True)


def copy_ours(function: Function, directory: Path) -> None:
    for path in [*imported_by(function.entry), *map(Path, function.data)]:
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / path).is_dir():
            shutil.copytree(ROOT / path, target, dirs_exist_ok=True)  # its modules may be there already
        else:
            shutil.copyfile(ROOT / path, target)
    # importlib.metadata.version("vitrine") is what /openapi.json shows.
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    if not version:
        sys.exit("build: pyproject.toml names no version.")
    metadata = directory / f"vitrine-{version[1]}.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text(f"Metadata-Version: 2.4\nName: vitrine\nVersion: {version[1]}\n")


def imported_by(entry: str) -> list[Path]:
    """The files of ours that importing or running `entry` can reach, imports inside functions included."""
    found: dict[Path, None] = {}
    waiting = [entry]
    while waiting:
        name = waiting.pop()
        path = module_path(name)
        if path is None or path in found:
            continue
        found[path] = None
        waiting += name.rpartition(".")[:1]
        for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                waiting += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                waiting += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    if not found:
        sys.exit(f"build: there is no module {entry} in {ROOT}.")
    return sorted(found)


def module_path(name: str) -> Path | None:
    path = Path(*name.split("."))
    if path.parts[:1] not in [("handler",), ("export",)]:
        return None
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if (ROOT / file).is_file()), None)


if __name__ == "__main__":
    main()
