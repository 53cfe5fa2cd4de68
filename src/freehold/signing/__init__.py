# SPDX-License-Identifier: Apache-2.0
"""Keys by URI, and the C2SP signed note."""

from freehold.signing.keys import create_file_key, load_signer
from freehold.signing.note import Note, Signature, Signer, Verifier, open_note, parse_note, parse_vkey, sign_note

__all__ = [
    "Note",
    "Signature",
    "Signer",
    "Verifier",
    "create_file_key",
    "load_signer",
    "open_note",
    "parse_note",
    "parse_vkey",
    "sign_note",
]
