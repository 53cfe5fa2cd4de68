# SPDX-License-Identifier: Apache-2.0
"""What this estate can write models with: the tool of an engine that it has built, or the gguf package."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from freehold.engine.building.builds import Builds, digest_of_file
from freehold.errors import EstateError
from freehold.tuning.formats import Format, Tool

_NEEDED: Final = ("gguf", "numpy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolbox:
    """``engine`` is a llama-quantize whose digest was checked just now. At least one of the two is there."""

    engine: Path | None = None
    package: str = ""  # its name and version, as lineage tells it

    @property
    def tools(self) -> tuple[Tool, ...]:
        return (*((Tool.ENGINE,) if self.engine else ()), *((Tool.PACKAGE,) if self.package else ()))

    def tool_for(self, kind: Format) -> Tool:
        """The package where it can: its output is the same on every host. Raises EstateError where none can."""
        if self.package and kind.tensor_type is not None:
            return Tool.PACKAGE
        if self.engine:
            return Tool.ENGINE
        raise EstateError(
            f"{kind.name} is written by the engine's own tool alone, and this estate has built no engine",
            hint="'freehold engine build' makes one, with llama-quantize beside it.",
        )

    def told(self, tool: Tool) -> str:
        """The tool with its version or digest."""
        if tool is Tool.PACKAGE or self.engine is None:
            return self.package
        return f"{tool} {digest_of_file(self.engine)}"


def installed_package() -> str:
    """The gguf package and what it calculates with, by name and version; empty where one is missing."""
    if not all(find_spec(name) for name in _NEEDED):
        return ""
    try:
        return " with ".join(f"{name} {version(name)}" for name in _NEEDED)
    except PackageNotFoundError:
        return ""


def find_tools(engines: Path, installed: Callable[[], str] = installed_package) -> Toolbox:
    """Those of an estate. Raises EstateError if there is none, or if a build was changed."""
    engine, package = Builds(engines).program(Tool.ENGINE), installed()
    if engine is None and not package:
        raise EstateError(
            "a model cannot be written in another format: neither the gguf package nor an engine build is there",
            hint="Install the extra, 'pip install freehold[tune]' ('make' does), or run 'freehold engine build'.",
        )
    return Toolbox(engine=engine, package=package)
