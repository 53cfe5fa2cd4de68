# SPDX-License-Identifier: Apache-2.0
"""An assessment as SARIF 2.1.0, for whatever shows findings beside code. It carries no text of the files read."""

from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import msgspec

from freehold import __version__
from freehold.assess.exposure.assessment import Assessment, Dependency, Exposure
from freehold.assess.exposure.baseline import fingerprint
from freehold.assess.exposure.finding import Secret
from freehold.assess.exposure.knowledge import Kind

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_BASE: Final = "SRCROOT"
_SECRET: Final = "secret"  # noqa: S105 - what the rule is called
_LEVELS: Final = {"high": "warning", "medium": "warning", "low": "note"}
_SAID: Final = {
    Kind.PACKAGE: "A package of an AI provider",
    Kind.CODE: "Code that calls an AI provider",
    Kind.ENDPOINT: "The endpoint of an AI provider",
    Kind.MODEL: "A model that an AI provider serves",
    Kind.ENV: "A setting for an AI provider",
    Kind.IAC: "Infrastructure of an AI provider",
    Kind.AGENT_CONFIG: "An assistant that sends code to an AI provider",
    Kind.GATEWAY: "A gateway to an AI provider",
    Kind.HUB_DOWNLOAD: "Weights, tokenizers or data that are fetched at run time",
    Kind.TELEMETRY: "Tracing that takes prompts to somebody else",
    Kind.VECTOR_STORE: "A store of vectors that somebody else may run",
}


def write_sarif(assessment: Assessment) -> bytes:
    """One run. Paths are relative to what was assessed."""
    by_provider = {one.provider: one for one in assessment.dependencies}
    results = [_result(one, by_provider[one.found.provider]) for one in assessment.exposures]
    results += [_secret(one) for one in assessment.secrets]
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "freehold",
                "version": __version__,
                "semanticVersion": _semantic(__version__),
                "rules": _rules(),
            }
        },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_BASE: {"uri": _root(assessment)}},
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [
                    {"level": "note", "message": {"text": f"{one.file}: {one.what}"}} for one in assessment.troubles
                ],
            }
        ],
        "results": results,
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return msgspec.json.format(msgspec.json.encode(log), indent=2) + b"\n"


def _rules() -> list[dict[str, Any]]:
    rules = [
        {"id": f"exposure/{kind}", "shortDescription": {"text": said}, "defaultConfiguration": {"level": "warning"}}
        for kind, said in _SAID.items()
    ]
    secret = {
        "id": _SECRET,
        "shortDescription": {"text": "A secret in plain text"},
        "defaultConfiguration": {"level": "error"},
    }
    return [*rules, secret]


def _result(exposure: Exposure, dependency: Dependency) -> dict[str, Any]:
    found = exposure.found
    states = ", ".join(dependency.states)
    known = f"states that can compel it: {states}" if dependency.known else "no facts about it are known"
    lost = f" Lost: {'; '.join(exposure.move.lost)}." if exposure.move.lost else ""
    return {
        "ruleId": f"exposure/{found.kind}",
        "level": _LEVELS[found.certainty],
        "message": {"text": f"{dependency.title}: {found.evidence} ({known}). To leave: {exposure.move.what}.{lost}"},
        "locations": [_location(found.file, found.line)],
        "partialFingerprints": {"freehold/v1": fingerprint(found)},
        "baselineState": "new" if exposure.new else "unchanged",
        "properties": {
            "provider": found.provider,
            "authorities": list(dependency.states),
            "confidence": found.certainty,
            "effort": exposure.move.effort,
            "application": exposure.application,
        },
    }


def _secret(secret: Secret) -> dict[str, Any]:
    return {
        "ruleId": _SECRET,
        "level": "error",
        "message": {"text": f"{secret.what}, in plain text. Its value is not repeated here."},
        "locations": [_location(secret.file, secret.line)],
        "properties": {"provider": secret.provider},
    }


def _location(file: str, line: int) -> dict[str, Any]:
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(file), "uriBaseId": _BASE},
            "region": {"startLine": line},
        }
    }


def _root(assessment: Assessment) -> str:
    path = Path(assessment.paths[0]).absolute()
    folder = path if path.is_dir() and len(assessment.paths) == 1 else path.parent if path.is_file() else Path.cwd()
    return f"file://{quote(str(folder).rstrip('/'))}/"


def _semantic(version: str) -> str:
    parts = [part for part in version.replace("+", ".").split(".") if part.isdigit()][:3]
    return ".".join([*parts, "0", "0", "0"][:3])
