# SPDX-License-Identifier: Apache-2.0
"""What of a model wants a person's approval, whoever has signed it."""

from collections.abc import Mapping
from dataclasses import dataclass

from freehold.contract.licence import LicenceBook, ModelOrigin
from freehold.vault.describing import OpenFile
from freehold.vault.inspect import Inspection, inspect
from freehold.vault.manifest import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Concern:
    """One of them, in a sentence."""

    what: str
    wants_reason: bool = False  # whether an approval in spite of it has to say why


def inspect_model(manifest: Manifest, files: Mapping[str, OpenFile], book: LicenceBook) -> Inspection:
    """All that is to be said about the files of a model in the vault."""
    origin = ModelOrigin(repository=manifest.repository, revision=manifest.revision)
    return inspect(files, origin=origin, book=book)


def concerns_of(inspection: Inspection) -> tuple[Concern, ...]:
    """What of it a person has to answer for."""
    return tuple(
        Concern(what=str(finding), wants_reason=finding.rule.startswith("licence."))
        for finding in (*inspection.refused, *inspection.to_approve)
    )
