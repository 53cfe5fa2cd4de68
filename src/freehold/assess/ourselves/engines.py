# SPDX-License-Identifier: Apache-2.0
"""Where each target's engine and weights come from: built here of what, a locked package, or a file that was found."""

from msgspec.structs import replace

from freehold.assess.ourselves.result import Engine, Package
from freehold.contract.estate import Estate
from freehold.engine.build import Program, digest_of, extension, program_of
from freehold.engine.building.builds import Build, Builds
from freehold.errors import EstateError
from freehold.settings import EngineTargetSection, Settings
from freehold.vault import Manifest, Vault

_PACKAGE = "xllamacpp"


def engines_of(estate: Estate, settings: Settings, packages: tuple[Package, ...]) -> tuple[Engine, ...]:
    """In the order of the targets' names."""
    models = {manifest.name: manifest for manifest in Vault(estate.vault).list()}
    versions = {package.name: package for package in packages}
    return tuple(
        _engine(name, section, estate, models.get(section.model), versions.get(_PACKAGE))
        for name, section in sorted(settings.engines.items())
    )


def _engine(
    target: str, section: EngineTargetSection, estate: Estate, model: Manifest | None, package: Package | None
) -> Engine:
    program = _program(section, estate)
    file = program.file if program else None
    found = Engine(
        target=target,
        engine=section.engine,
        file="" if file is None else str(file),
        digest=digest_of(file),
        made="missing" if file is None else "found",
        model=section.model,
        model_digest=model.digest if model else "",
        model_from=(model.repository or model.origin) if model else "",
    )
    if program is None or file is None:
        return found
    build = next((one.build for one in Builds(estate.engines).list() if one.folder == file.parent and one.build), None)
    if build is not None:
        return _built(found, build)
    if package is not None and file == extension():
        return _packaged(found, package)
    if program.environment is not None:
        return replace(found, source=f"a virtual environment with vLLM {program.environment.version}")
    return found


def _program(section: EngineTargetSection, estate: Estate) -> Program | None:
    """None where it is not there, or is not what was built."""
    try:
        return program_of(section, estate.engines)
    except EstateError:
        return None


def _built(found: Engine, build: Build) -> Engine:
    how = (f"compiler: {build.compiler}", f"cmake: {build.cmake}", f"options: {' '.join(build.options)}")
    return replace(
        found, made="built here", source=f"{build.source}, {build.source_digest}", how=how, at=build.built_at
    )


def _packaged(found: Engine, package: Package) -> Engine:
    locked = "its files' hashes are in the lock of this release" if package.locked else "not locked by this release"
    source = f"the wheel of {package.name} {package.version}"
    return replace(
        found, made="package", source=source, how=(locked, "built by its owner; how, the wheel does not say")
    )
