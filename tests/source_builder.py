# SPDX-License-Identifier: Apache-2.0
"""Source archives of a project that takes a second to build, and has the programs that llama.cpp has."""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

INSIDE = "tiny-1.0/vendor/llama.cpp"
LISTS = """
cmake_minimum_required(VERSION 3.14)
project(tiny C)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
foreach(name llama-server llama-quantize llama-perplexity)
  add_executable(${name} main.c)
endforeach()
"""
MAIN = '#include <stdio.h>\nint main(void) { puts("version: 1.0 (tiny)"); return 0; }\n'
FILES: Mapping[str, str] = {f"{INSIDE}/CMakeLists.txt": LISTS, f"{INSIDE}/main.c": MAIN}


def archive(path: Path, files: Mapping[str, str] = FILES, *others: tarfile.TarInfo) -> Path:
    """A .tar.gz of the files, and of members that are no files."""
    with gzip.open(path, "wb", compresslevel=1) as packed, tarfile.open(fileobj=packed, mode="w") as opened:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            opened.addfile(member, io.BytesIO(text.encode()))
        for member in others:
            opened.addfile(member)
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
