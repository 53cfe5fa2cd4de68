# SPDX-License-Identifier: Apache-2.0
"""An assessment as CycloneDX 1.7: the providers as services, and which application calls which."""

from datetime import datetime
from typing import Final

from freehold.assess.bom.document import Bom, Part, present, properties, references, write_bom
from freehold.assess.exposure.assessment import Assessment, Dependency
from freehold.policy.facts import Register

_MOST_PLACES: Final = 1000


def write_services(assessment: Assessment, register: Register, at: datetime) -> bytes:
    """``at`` is in UTC. What is one's own is no service of somebody else, and left out."""
    root: Part = {"bom-ref": "assessed", "type": "application", "name": ", ".join(assessment.paths)}
    users = sorted({name for one in assessment.dependencies for name in one.applications})
    applications: list[Part] = [
        {"bom-ref": f"application:{name}", "type": "application", "name": name} for name in users
    ]
    services = [_service(one, assessment, register) for one in assessment.dependencies]
    needs: dict[str, tuple[str, ...]] = {
        "assessed": references(applications),
        **dict.fromkeys(references(services), ()),
    }
    for name in users:
        needs[f"application:{name}"] = tuple(
            f"provider:{one.provider}" for one in assessment.dependencies if name in one.applications
        )
    return write_bom(Bom(subject=root, components=tuple(applications), services=tuple(services), needs=needs), at)


def _service(dependency: Dependency, assessment: Assessment, register: Register) -> Part:
    found = [one.found for one in assessment.of(dependency.provider)]
    known = register.providers.get(dependency.provider)
    organisation = register.organisations.get(known.operator.organisation) if known and known.operator else None
    seat = organisation.seat if organisation and organisation.seat != "unknown" else ""
    places = [f"{one.file}:{one.line}" for one in found]
    endpoints = sorted(
        {one.evidence for one in found if "://" in one.evidence and one.evidence.isascii() and " " not in one.evidence}
    )
    return present(
        **{"bom-ref": f"provider:{dependency.provider}", "x-trust-boundary": True},
        name=dependency.provider,
        description=dependency.title,
        provider=present(name=organisation.name, address=present(country=seat)) if organisation else None,
        endpoints=endpoints or ([known.base_url] if known and known.base_url else []),
        data=[{"flow": "bi-directional", "classification": "unknown"}],
        properties=[
            *properties(
                {
                    "provider:authorities": ", ".join(dependency.states),
                    "provider:facts": "known" if dependency.known else "unknown",
                    "provider:facts_source": known.source if known else "",
                    "provider:facts_as_of": known.as_of if known else "",
                    "exposure:findings": len(found),
                    "exposure:kinds": ", ".join(dependency.kinds),
                    "exposure:effort": dependency.effort,
                    "exposure:models": ", ".join(sorted({one.model for one in found if one.model})),
                }
            ),
            *({"name": "freehold:exposure:place", "value": place} for place in dict.fromkeys(places[:_MOST_PLACES])),
        ],
    )
