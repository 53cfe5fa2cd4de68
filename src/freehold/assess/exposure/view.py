# SPDX-License-Identifier: Apache-2.0
"""An assessment as plain values for JSON: the shape that docs/reference/assess.md tells. No secret's value is in it."""

from typing import Any

from freehold.assess.exposure.assessment import Assessment, Authority, Dependency, Exposure
from freehold.assess.exposure.baseline import fingerprint
from freehold.assess.exposure.finding import Found


def assessment_view(assessment: Assessment) -> dict[str, Any]:
    """The whole."""
    by_provider = {one.provider: one for one in assessment.dependencies}
    return {
        "paths": list(assessment.paths),
        "files": assessment.files,
        "summary": {
            "findings": len(assessment.exposures),
            "new": sum(one.new for one in assessment.exposures),
            "providers": len(assessment.dependencies),
            "states": list(assessment.states),
            "applications": len({one.application for one in assessment.exposures}),
            "owned": len(assessment.owned),
            "secrets": len(assessment.secrets),
        },
        "providers": [_dependency(one) for one in assessment.dependencies],
        "applications": list(assessment.applications),
        "findings": [_exposure(one, by_provider[one.found.provider]) for one in assessment.exposures],
        "owned": [_found(one) for one in assessment.owned],
        "secrets": [
            {"file": one.file, "line": one.line, "what": one.what, "provider": one.provider}
            for one in assessment.secrets
        ],
        "troubles": [{"file": one.file, "what": one.what} for one in assessment.troubles],
        "passed_over": dict(assessment.passed_over),
        "archives": list(assessment.archives),
    }


def _exposure(exposure: Exposure, dependency: Dependency) -> dict[str, Any]:
    return {
        **_found(exposure.found),
        "application": exposure.application,
        "authorities": [_authority(one) for one in dependency.authorities],
        "facts": "known" if dependency.known else "unknown",
        "move": {"effort": exposure.move.effort, "what": exposure.move.what, "lost": list(exposure.move.lost)},
        "new": exposure.new,
        "fingerprint": fingerprint(exposure.found),
    }


def _found(found: Found) -> dict[str, Any]:
    return {
        "file": found.file,
        "line": found.line,
        "kind": found.kind,
        "provider": found.provider,
        "evidence": found.evidence,
        "confidence": found.certainty,
        "source": found.source,
        "note": found.note,
    }


def _dependency(dependency: Dependency) -> dict[str, Any]:
    return {
        "name": dependency.provider,
        "title": dependency.title,
        "facts": "known" if dependency.known else "unknown",
        "authorities": [_authority(one) for one in dependency.authorities],
        "exposure": list(dependency.ties),
        "statutes": list(dependency.statutes),
        "findings": sum(dependency.kinds.values()),
        "kinds": dict(dependency.kinds),
        "applications": list(dependency.applications),
        "effort": dependency.effort,
        "efforts": dict(dependency.efforts),
    }


def _authority(authority: Authority) -> dict[str, str]:
    return {
        "state": authority.state,
        "because": authority.because,
        "source": authority.source,
        "as_of": authority.as_of,
        "confidence": authority.confidence,
    }
