# SPDX-License-Identifier: Apache-2.0
"""Puts the parts together: of a whole estate, or of one model."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from freehold import __version__
from freehold.assess.bom.document import Bom, Part, references, write_bom
from freehold.assess.bom.engines import engine_components
from freehold.assess.bom.models import model_component
from freehold.assess.bom.models import reference_of as model_reference
from freehold.assess.bom.packages import installed_packages
from freehold.assess.bom.providers import provider_services
from freehold.policy.facts import Register
from freehold.settings import Settings
from freehold.vault import Manifest


def bom_of_model(manifest: Manifest, vault: Sequence[Manifest], at: datetime) -> bytes:
    """One model of the vault, with what it was made of."""
    component = model_component(manifest, _by_digest(vault))
    return write_bom(Bom(subject=component, needs={model_reference(manifest.digest): ()}), at)


def bom_of_estate(
    settings: Settings, vault: Sequence[Manifest], register: Register, at: datetime, engines_built: Path
) -> bytes:
    """Everything: models, engines, packages as components, providers as services. ``at`` is in UTC."""
    known = _by_digest(vault)
    models = {digest: model_component(manifest, known) for digest, manifest in known.items()}
    engines = engine_components(settings, engines_built)
    packages = installed_packages()
    providers = provider_services(settings, register, at.date())
    own: Part = {"bom-ref": packages.root, "type": "application", "name": "freehold", "version": __version__}
    subject: Part = {"bom-ref": f"estate:{settings.estate.origin}", "type": "platform", "name": settings.estate.origin}
    components = (*models.values(), *_once(engines.values()), own, *packages.components)
    needs: dict[str, tuple[str, ...]] = {
        str(subject["bom-ref"]): (packages.root, *references(models.values()), *references(providers)),
        **packages.needs,
        **dict.fromkeys(references([*models.values(), *providers]), ()),
    }
    by_name = {manifest.name: digest for digest, manifest in known.items()}
    for target, engine in engines.items():
        digest = by_name.get(settings.engines[target].model)
        runs = needs.get(str(engine["bom-ref"]), ())
        needs[str(engine["bom-ref"])] = (*runs, model_reference(digest)) if digest else runs
    needs[str(subject["bom-ref"])] += references(engines.values())
    return write_bom(Bom(subject=subject, components=components, services=providers, needs=needs), at)


def _by_digest(vault: Sequence[Manifest]) -> Mapping[str, Manifest]:
    return {manifest.digest: manifest for manifest in vault}


def _once(parts: Iterable[Part]) -> tuple[Part, ...]:
    return tuple({str(part["bom-ref"]): part for part in parts}.values())
