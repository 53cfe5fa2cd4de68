# SPDX-License-Identifier: Apache-2.0
"""Where models are kept and checked: nothing loads that cannot be named and whose digest does not match."""

from freehold.vault.hashing import Progress
from freehold.vault.importing import Imported
from freehold.vault.interface import Dossier, Vault
from freehold.vault.manifest import Manifest
from freehold.vault.pins import DEFAULT_MODEL, NAMES, PINS, Pin
from freehold.vault.trust import Trust, Verdict, own_signer, read_trust
from freehold.vault.verify import Check

__all__ = [
    "DEFAULT_MODEL",
    "NAMES",
    "PINS",
    "Check",
    "Dossier",
    "Imported",
    "Manifest",
    "Pin",
    "Progress",
    "Trust",
    "Vault",
    "Verdict",
    "own_signer",
    "read_trust",
]
