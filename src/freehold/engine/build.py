# SPDX-License-Identifier: Apache-2.0
"""Which engine runs: the file with its code, and the digest of that. Imports and starts nothing.

vLLM is thousands of files. Its digest is that of the list of them which its installer left, with a digest for each.
"""

import hashlib
import os
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from freehold.contract.weights import VerifiedWeights
from freehold.engine import llamacpp, vllm
from freehold.engine.building.builds import Builds
from freehold.errors import EstateError
from freehold.settings import EngineTargetSection

_PACKAGE: Final = "xllamacpp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What a target runs: vLLM in its environment, or a ``llama-server``, or where both are None the package."""

    environment: vllm.Environment | None = None
    server: Path | None = None

    @property
    def file(self) -> Path | None:
        """The one that stands for its code."""
        return self.environment.record if self.environment else self.server or extension()

    def require(self, weights: VerifiedWeights) -> None:
        """Raises EstateError for weights in a format that the program does not run."""
        name = weights.model.name
        if self.environment and weights.format != "safetensors":
            raise EstateError(
                f"{name} is a GGUF file, and vLLM runs safetensors: give its target engine = 'llamacpp', or import the "
                "model's folder of safetensors under another name"
            )
        if not self.environment and weights.format != "gguf":
            raise EstateError(
                f"{name} is safetensors, and llama.cpp runs GGUF: give its target engine = 'vllm', or import the model "
                "as a GGUF file under another name"
            )


def program_of(section: EngineTargetSection, engines: Path) -> Program:
    """What a target of the estate runs whose own builds are in ``engines``. Raises EstateError where that is none."""
    if section.engine == vllm.NAME:
        return Program(environment=vllm.find(section.environment, engines.parent))
    return Program(server=server_of(section.binary, engines))


def server_of(configured: str, engines: Path) -> Path | None:
    """The configured ``llama-server``, else the estate's own build, else the one on the PATH. Raises EstateError."""
    return llamacpp.configured(configured) if configured else Builds(engines).server() or llamacpp.on_the_path()


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
