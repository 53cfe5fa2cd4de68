# SPDX-License-Identifier: Apache-2.0
"""Which engine runs: the file with its code, and the digest of that. Imports and starts nothing."""

import hashlib
import os
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from freehold.engine import llamacpp
from freehold.engine.building.builds import Builds

_PACKAGE: Final = "xllamacpp"


def server_of(configured: str, engines: Path) -> Path | None:
    """The configured ``llama-server``, else the estate's own build, else the one on the PATH. Raises EstateError."""
    return llamacpp.configured(configured) if configured else Builds(engines).server() or llamacpp.on_the_path()


def file_of(configured: str, engines: Path) -> Path | None:
    """The same; else the extension of the xllamacpp package."""
    return server_of(configured, engines) or extension()


def digest_of(file: Path | None) -> str:
    """``sha256:`` and 64 hex digits; empty where there is no such file. It is read once for as long as it stays."""
    try:
        state = file.stat() if file else None
        return _digest(file, state.st_ino, state.st_size, state.st_mtime_ns) if file and state else ""
    except OSError:
        return ""


def extension() -> Path | None:
    """The native code of the xllamacpp package, if that is installed."""
    spec = find_spec(_PACKAGE)
    folders = (spec.submodule_search_locations or ()) if spec else ()
    return next((file for folder in folders for file in sorted(Path(folder).glob(f"{_PACKAGE}*.so"))), None)


@lru_cache(maxsize=16)
def _digest(file: Path, *_: int) -> str:
    """The further arguments tell one state of the file from another."""
    with open(file, "rb", opener=lambda path, flags: os.open(path, flags | os.O_CLOEXEC)) as opened:
        return f"sha256:{hashlib.file_digest(opened, 'sha256').hexdigest()}"
