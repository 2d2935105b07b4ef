"""Refuse an artifact that Lambda would not run, and print where its size goes:  check_artifact.py FOLDER

Four things are only found out on somebody else's machine: that it is too big, that hnswlib was compiled for the
builder's CPU, that a library asks for a newer glibc than Lambda's, and that every cold start compiles modules again.
Needs objdump (Debian: binutils).
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

LIMIT_MEGABYTES = 250
BAKED = "handler/baked"
# Amazon Linux 2023. Its libstdc++ is that of GCC 11.
GLIBC = (2, 34)
GLIBCXX = (3, 4, 29)
# EVEX: 512-bit registers, mask registers, and the upper sixteen of the narrower ones.
AVX512 = re.compile(r"%(?:zmm\d+|k[0-7]\b|[xy]mm(?:1[6-9]|2\d|3[01])\b)")
HASH_BASED = 1  # in the flags of a .pyc file: PEP 552
NEEDED = re.compile(r"\((GLIBC|GLIBCXX)_([\d.]+)\)")
SHOWN = 12


def main() -> None:
    folder = Path(sys.argv[1])
    print(size_table(folder))
    problems = [
        *too_big(folder),
        *compiled_for_another_cpu(folder),
        *wants_newer_libraries(folder),
        *bytecode_tied_to_times(folder),
    ]
    if problems:
        sys.exit("\n".join(f"check_artifact: {problem}" for problem in problems))


def size_table(folder: Path) -> str:
    sizes = sorted(((size_of(path), path.name) for path in folder.iterdir()), reverse=True)
    rows = [f"{size / 1e6:8.1f} MB  {name}" for size, name in sizes[:SHOWN]]
    rest = sum(size for size, _ in sizes[SHOWN:])
    rows.append(f"{rest / 1e6:8.1f} MB  {max(0, len(sizes) - SHOWN)} others")
    rows.append(f"{size_of(folder) / 1e6:8.1f} MB  in all, of {LIMIT_MEGABYTES}")
    return "\n".join(rows)


def size_of(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def too_big(folder: Path) -> list[str]:
    size = size_of(folder)
    if size < LIMIT_MEGABYTES * 1024 * 1024:
        return []
    baked = size_of(folder / BAKED)
    of_which = f", {baked / 1e6:.0f} MB of it the baked bundle: build without BUNDLE" if baked else ""
    return [f"{size / 1e6:.0f} MB unzipped{of_which}; Lambda takes {LIMIT_MEGABYTES} MB."]


def compiled_for_another_cpu(folder: Path) -> list[str]:
    problems = []
    for library in folder.glob("hnswlib*.so"):
        found = avx512_instructions(library)
        if found:
            problems.append(f"{library.name} has {len(found)} AVX-512 instructions, the first: {found[0]}")
    return problems


def avx512_instructions(library: Path) -> list[str]:
    # --no-show-raw-insn keeps the hexadecimal codes out of what is searched
    listing = objdump("--disassemble", "--no-show-raw-insn", library)
    return [line.strip() for line in listing.splitlines() if AVX512.search(line)]


def wants_newer_libraries(folder: Path) -> list[str]:
    problems = []
    for library in sorted(folder.rglob("*.so*")):
        wanted = library_versions(library)
        for name, limit in (("GLIBC", GLIBC), ("GLIBCXX", GLIBCXX)):
            if wanted.get(name, (0,)) > limit:
                shown = [".".join(map(str, version)) for version in (wanted[name], limit)]
                problems.append(
                    f"{library.relative_to(folder)} wants {name} {shown[0]}; Amazon Linux 2023 has {shown[1]}."
                )
    return problems


def bytecode_tied_to_times(folder: Path) -> list[str]:
    """A zip file does not keep the times of modules; Python ignores bytecode that was compiled at another one."""
    tied = [path.relative_to(folder) for path in sorted(folder.rglob("*.pyc")) if not _flags(path) & HASH_BASED]
    return [f"{len(tied)} files of bytecode depend on the times of their modules, the first: {tied[0]}"] if tied else []


def _flags(bytecode: Path) -> int:
    with bytecode.open("rb") as file:
        return int.from_bytes(file.read(8)[4:], "little")


def library_versions(library: Path) -> dict[str, tuple[int, ...]]:
    """The newest version of each C library that the file's undefined symbols name."""
    newest: dict[str, tuple[int, ...]] = {}
    for line in objdump("--dynamic-syms", library).splitlines():
        found = NEEDED.search(line) if "*UND*" in line else None
        if found:
            version = tuple(map(int, found[2].split(".")))
            newest[found[1]] = max(version, newest.get(found[1], (0,)))
    return newest


def objdump(*arguments: str | Path) -> str:
    try:
        return subprocess.run(["objdump", *arguments], capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        sys.exit("check_artifact: there is no objdump; on Debian: apt-get install binutils")


if __name__ == "__main__":
    main()
