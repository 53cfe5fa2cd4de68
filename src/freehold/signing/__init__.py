# SPDX-License-Identifier: Apache-2.0
"""Keys by URI, the C2SP signed note, and cosignatures of checkpoints."""

from freehold.signing.cosignature import Cosigner, cosign, parse_cosigner
from freehold.signing.keys import create_file_key, load_cosigner, load_signer
from freehold.signing.note import (
    KeyKind,
    Note,
    Signature,
    Signer,
    Verifier,
    open_note,
    parse_note,
    parse_vkey,
    sign_note,
)

__all__ = [
    "Cosigner",
    "KeyKind",
    "Note",
    "Signature",
    "Signer",
    "Verifier",
    "cosign",
    "create_file_key",
    "load_cosigner",
    "load_signer",
    "open_note",
    "parse_cosigner",
    "parse_note",
    "parse_vkey",
    "sign_note",
]
