# SPDX-License-Identifier: Apache-2.0
"""The shape of a CycloneDX 1.7 document, as far as it is written here. The same parts give the same bytes.

What is not known is left out, or said to be unknown in a property; nothing stands in for it.
"""

import hashlib
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from freehold import __version__

SPECIFICATION = "1.7"
_SCHEMA = "http://cyclonedx.org/schema/bom-1.7.schema.json"
Part = Mapping[str, Any]  # a component or a service, in the words of the format


@dataclass(frozen=True, slots=True, kw_only=True)
class Bom:
    """What the document is about, what that is made of, and whom it calls. ``needs``: references, by reference."""

    subject: Part
    components: tuple[Part, ...] = ()
    services: tuple[Part, ...] = ()
    needs: Mapping[str, tuple[str, ...]]


def write_bom(bom: Bom, at: datetime) -> bytes:
    """JSON with sorted keys. Its serial number is made of its content, so that equal bills have equal numbers."""
    content: dict[str, Any] = {
        "$schema": _SCHEMA,
        "bomFormat": "CycloneDX",
        "specVersion": SPECIFICATION,
        "version": 1,
        "metadata": {"tools": {"components": [_tool()]}, "component": bom.subject},
        "components": sorted(bom.components, key=_reference),
        "services": sorted(bom.services, key=_reference),
        "dependencies": [{"ref": ref, "dependsOn": sorted(set(needs))} for ref, needs in sorted(bom.needs.items())],
    }
    digest = hashlib.sha256(msgspec.json.encode(content, order="sorted")).digest()
    content["serialNumber"] = f"urn:uuid:{uuid.UUID(bytes=digest[:16], version=4)}"
    content["metadata"] |= {"timestamp": f"{at:%Y-%m-%dT%H:%M:%SZ}"}
    return msgspec.json.format(msgspec.json.encode(content, order="sorted"), indent=2) + b"\n"


def hashes(digest: str) -> list[dict[str, str]]:
    """Of ``sha256:HEX``; empty for no digest."""
    return [{"alg": "SHA-256", "content": digest.removeprefix("sha256:")}] if digest else []


def properties(values: Mapping[str, object]) -> list[dict[str, str]]:
    """Under this project's own prefix; empty values are left out."""
    return [
        {"name": f"freehold:{name}", "value": str(value)} for name, value in values.items() if value not in ("", None)
    ]


def present(**fields: object) -> dict[str, Any]:
    """The fields that say something."""
    return {name: value for name, value in fields.items() if value not in (None, "", [], {}, ())}


def references(parts: Iterable[Part]) -> tuple[str, ...]:
    return tuple(map(_reference, parts))


def _reference(part: Part) -> str:
    return str(part["bom-ref"])


def _tool() -> dict[str, str]:
    return {"type": "application", "name": "freehold", "version": __version__}
