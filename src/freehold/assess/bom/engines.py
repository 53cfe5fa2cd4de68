# SPDX-License-Identifier: Apache-2.0
"""The engines that an estate's targets run, by the digest of the very file that would be started."""

from pathlib import Path

from freehold.assess.bom.document import Part, hashes, present, properties
from freehold.engine.build import digest_of, file_of
from freehold.errors import EstateError
from freehold.settings import Settings


def engine_components(settings: Settings, engines: Path) -> dict[str, Part]:
    """By target. Several targets may share one; one that cannot be found is said to be missing."""
    return {name: _component(section.engine, section.binary, engines) for name, section in settings.engines.items()}


def _component(engine: str, binary: str, engines: Path) -> Part:
    try:
        file = file_of(binary, engines)
    except EstateError:
        file = None
    digest = digest_of(file)
    name = file.name if file else binary or engine
    return present(
        **{"bom-ref": f"engine:{digest or name}", "type": "application"},
        name=engine,
        description=f"the file {name}" if file else f"{name} is not there",
        hashes=hashes(digest),
        properties=properties({"engine:file": name, "engine:found": "yes" if digest else "no"}),
    )
