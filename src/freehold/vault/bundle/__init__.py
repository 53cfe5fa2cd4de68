# SPDX-License-Identifier: Apache-2.0
"""Bundles: one signed OCI layout with all that rebuilds an estate where there is no network."""

from freehold.vault.bundle.bundles import Bundles, look_into
from freehold.vault.bundle.packing import BundledProgram, KnownFile, Wanted, Whole
from freehold.vault.bundle.reading import Bundle, ModelIn, ProgramIn
from freehold.vault.bundle.signature import Terms, signed_by
from freehold.vault.bundle.staging import Asked, Staged

__all__ = [
    "Asked",
    "Bundle",
    "BundledProgram",
    "Bundles",
    "KnownFile",
    "ModelIn",
    "ProgramIn",
    "Staged",
    "Terms",
    "Wanted",
    "Whole",
    "look_into",
    "signed_by",
]
