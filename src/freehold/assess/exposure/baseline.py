# SPDX-License-Identifier: Apache-2.0
"""A baseline: what is known and tolerated, so that only new exposure fails a build. Lines may move; files may not.

A finding is known by its file, kind, provider and evidence, and counted: one more of the same is new.
"""

import hashlib
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from freehold.assess.exposure.assessment import Assessment
from freehold.assess.exposure.finding import Found
from freehold.errors import EstateError

_FORMAT: Final = 1
_MOST_BYTES: Final = 64 * 2**20
_HINT: Final = "'freehold assess PATH --baseline FILE --write-baseline' makes one."


class Baseline(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file. It names nothing: a fingerprint is a digest."""

    format: Annotated[int, Meta(ge=1)]
    known: dict[str, Annotated[int, Meta(ge=1)]]  # how many findings have a fingerprint


_BASELINE: Final = msgspec.json.Decoder(Baseline)


def fingerprint(found: Found) -> str:
    """32 hex digits over all of a finding but its line."""
    text = f"{found.file}\0{found.kind}\0{found.provider}\0{found.evidence}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def write_baseline(assessment: Assessment, path: Path) -> None:
    """Raises EstateError."""
    known = Counter(fingerprint(one.found) for one in assessment.exposures)
    content = msgspec.json.encode(Baseline(format=_FORMAT, known=dict(sorted(known.items()))))
    try:
        path.write_bytes(msgspec.json.format(content, indent=2) + b"\n")
    except OSError as exc:
        raise EstateError(f"{path} cannot be written", hint="Name another file with --baseline.") from exc


def read_baseline(path: Path) -> Baseline:
    """Raises EstateError."""
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES)
        baseline = _BASELINE.decode(content)
    except OSError as exc:
        raise EstateError(f"{path} cannot be read", hint=_HINT) from exc
    except msgspec.DecodeError as exc:
        raise EstateError(f"{path} is not a baseline", hint=_HINT) from exc
    if baseline.format != _FORMAT:
        raise EstateError(f"{path} is a baseline of another release: format {baseline.format}", hint=_HINT)
    return baseline


def against(assessment: Assessment, baseline: Baseline) -> Assessment:
    """The same, with what is new told from what is known."""
    left = Counter(baseline.known)
    exposures = []
    for one in assessment.exposures:
        mark = fingerprint(one.found)
        exposures.append(replace(one, new=left[mark] <= 0))
        left[mark] -= 1
    return replace(assessment, exposures=tuple(exposures))
