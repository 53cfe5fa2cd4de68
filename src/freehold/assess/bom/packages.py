# SPDX-License-Identifier: Apache-2.0
"""The Python packages that run here: what is installed, and the hashes that this release is locked to. Runs none."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.resources import files
from typing import Any, Final, cast

from freehold.assess.bom.document import Part, present, properties
from freehold.assess.bom.licensed import licences_of

_ROOT: Final = "freehold"
_REQUIREMENT: Final = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?[^;]*(?:;(.*))?", re.DOTALL)
_LOCKED: Final = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)")
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_CLASSIFIER: Final = "License :: OSI Approved :: "
_CLASSIFIED: Final = {
    "MIT License": "MIT",
    "Apache Software License": "Apache-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "ISC License (ISCL)": "ISC",
}
_LONGEST_LICENCE: Final = 80  # some packages have the whole text in the field


@dataclass(frozen=True, slots=True, kw_only=True)
class Packages:
    """Components, and who needs whom, by reference."""

    components: tuple[Part, ...]
    needs: Mapping[str, tuple[str, ...]]
    root: str  # reference of this project's own


def installed_packages() -> Packages:
    """All that this project needs to run, as it is installed here."""
    locked, found = _locked_hashes(), dict[str, Distribution]()
    needs: dict[str, tuple[str, ...]] = {}
    waiting = [_ROOT]
    while waiting:
        name = waiting.pop()
        if name in found or (package := _installed(name)) is None:
            continue
        found[name] = package
        needs[name] = tuple(sorted(set(_needed_by(package))))
        waiting += needs[name]
    references = {name: _reference(name, package) for name, package in found.items()}
    return Packages(
        components=tuple(_component(name, package, locked) for name, package in found.items() if name != _ROOT),
        needs={references[name]: tuple(references[need] for need in needs[name] if need in found) for name in found},
        root=references.get(_ROOT, _ROOT),
    )


def _installed(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def _needed_by(package: Distribution) -> Iterator[str]:
    """Names, without what only an extra wants; what another platform wants is not installed, and so falls away."""
    for line in package.requires or ():
        matched = _REQUIREMENT.fullmatch(line)
        if matched and "extra" not in (matched[2] or ""):
            yield _normal(matched[1])


def _component(name: str, package: Distribution, locked: Mapping[tuple[str, str], tuple[str, ...]]) -> Part:
    digests = locked.get((name, package.version), ())
    return present(
        **{"bom-ref": _reference(name, package), "type": "library"},
        name=name,
        version=package.version,
        purl=_reference(name, package),
        licenses=licences_of(_licence(package)),
        publisher=_owner(package),
        externalReferences=[_distribution(name, package, digests)] if digests else [],
        properties=properties({"package:locked": "yes" if digests else "no", "owner:country": "unknown"}),
    )


def _distribution(name: str, package: Distribution, digests: tuple[str, ...]) -> dict[str, Any]:
    """The files that the lock permits, any of which may be what is installed."""
    return {
        "type": "distribution",
        "url": _reference(name, package),
        "comment": "the files of this version that the lock permits",
        "hashes": [{"alg": "SHA-256", "content": digest} for digest in digests],
    }


def _licence(package: Distribution) -> str:
    said = cast("Message", package.metadata)
    expression = said.get("License-Expression") or said.get("License") or ""
    first = expression.strip().splitlines()[0] if expression.strip() else ""
    if first and len(first) <= _LONGEST_LICENCE:
        return _CLASSIFIED.get(first, first)
    classified = [line.removeprefix(_CLASSIFIER) for line in said.get_all("Classifier") or () if _CLASSIFIER in line]
    return " OR ".join(_CLASSIFIED.get(line, line) for line in classified)


def _owner(package: Distribution) -> str:
    """As the package itself states it, without addresses."""
    said = cast("Message", package.metadata)
    stated = said.get("Author") or said.get("Maintainer") or said.get("Author-email") or said.get("Maintainer-email")
    return re.sub(r"\s*<[^>]*>", "", stated or "").replace('"', "").strip()


def _locked_hashes() -> dict[tuple[str, str], tuple[str, ...]]:
    """The hashes of each package and version in the lock of this release."""
    locked: dict[tuple[str, str], list[str]] = {}
    at: list[str] = []
    for line in files(__package__).joinpath("run.lock").read_text(encoding="utf-8").splitlines():
        if matched := _LOCKED.match(line):
            at = locked.setdefault((_normal(matched[1]), matched[2]), [])
        at.extend(_HASH.findall(line))
    return {which: tuple(sorted(digests)) for which, digests in locked.items()}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _reference(name: str, package: Distribution) -> str:
    return f"pkg:pypi/{name}@{package.version}"
