# SPDX-License-Identifier: Apache-2.0
"""The engines that an estate's targets run, by the digest of the very file that would be started."""

from pathlib import Path

from freehold.assess.bom.document import Part, hashes, present, properties
from freehold.engine.build import Program, digest_of, program_of
from freehold.errors import EstateError
from freehold.settings import EngineTargetSection, Settings


def engine_components(settings: Settings, engines: Path) -> dict[str, Part]:
    """By target. Several targets may share one; one that cannot be found is said to be missing."""
    return {name: _component(section, engines) for name, section in settings.engines.items()}


def _component(section: EngineTargetSection, engines: Path) -> Part:
    try:
        program = program_of(section, engines)
    except EstateError:
        program = None
    file = program.file if program else None
    digest = digest_of(file)
    name = _name(program) or section.binary or section.environment or section.engine
    return present(
        **{"bom-ref": f"engine:{digest or name}", "type": "application"},
        name=section.engine,
        version=program.environment.version if program and program.environment else None,
        description=f"the file {name}" if file else f"{name} is not there",
        hashes=hashes(digest),
        properties=properties({"engine:file": name, "engine:found": "yes" if digest else "no"}),
    )


def _name(program: Program | None) -> str:
    """Of the file that the digest is of; vLLM's is the list of its files."""
    if program is None or program.file is None:
        return ""
    return str(program.file.relative_to(program.environment.folder)) if program.environment else program.file.name
