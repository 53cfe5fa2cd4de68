# SPDX-License-Identifier: Apache-2.0
"""The providers that an estate's targets name, as services: who operates them, who can compel them, what they see."""

from datetime import date
from typing import Any

from freehold.assess.bom.document import Part, present, properties
from freehold.contract.facts import UNKNOWN
from freehold.policy.facts import Register, describe
from freehold.settings import Settings


def provider_services(settings: Settings, register: Register, today: date) -> tuple[Part, ...]:
    """One for each provider that a target uses."""
    names = sorted({target.provider for target in settings.foreign.values()})
    return tuple(_service(name, settings, register, today) for name in names)


def reference_of(provider: str) -> str:
    return f"provider:{provider}"


def _service(name: str, settings: Settings, register: Register, today: date) -> Part:
    section = settings.providers[name]
    known = register.providers.get(name)
    described = describe(register, name, today) if known else None
    base_url = section.base_url or (known.base_url if known else "")
    return present(
        **{"bom-ref": reference_of(name), "x-trust-boundary": True},
        name=name,
        description=known.name if known else "",
        provider=_operator(name, register),
        endpoints=[base_url] if base_url else [],
        authenticated=bool(section.key),
        data=_data(name, settings),
        properties=properties(
            {
                "provider:authorities": ", ".join(described.facts.authorities) if described else UNKNOWN,
                "provider:confidence": described.confidence if described else "unknown",
                "provider:facts_source": known.source if known else "",
                "provider:facts_as_of": known.as_of if known else "",
                "provider:models": ", ".join(sorted(t.model for t in settings.foreign.values() if t.provider == name)),
            }
        ),
    )


def _operator(name: str, register: Register) -> dict[str, Any]:
    """The organisation that runs it, with the country of its seat where the facts know it."""
    known = register.providers.get(name)
    organisation = register.organisations.get(known.operator.organisation) if known and known.operator else None
    if organisation is None:
        return {}
    country = organisation.seat if organisation.seat != "unknown" else ""
    return present(name=organisation.name, address=present(country=country))


def _data(name: str, settings: Settings) -> list[dict[str, str]]:
    """What may flow there by the order of targets alone; the rules may forbid it, and are not judged here."""
    targets = {target for target, section in settings.foreign.items() if section.provider == name}
    classes = {service.data_class for service in settings.services.values() if targets & set(service.targets)}
    return [{"flow": "bi-directional", "classification": data_class} for data_class in sorted(classes)]
