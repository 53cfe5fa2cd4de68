# SPDX-License-Identifier: Apache-2.0
"""The OpenSSF Model Signing format, v1.0: signatures over a model's files that the `model-signing` tool reads too.

Keys and certificates on the curves P-256, P-384 and P-521, and digests by SHA-256 over whole files. Refused are
files in shards, other digests, and what was made before v1.0. Sigstore's keyless signatures are read, and not believed:
nothing here knows Sigstore's roots or asks its logs.
"""

from freehold.vault.oms.certificates import read_certificates, signer_of
from freehold.vault.oms.envelope import MAX_BUNDLE_BYTES, Bundle, read_bundle, sign, write_bundle
from freehold.vault.oms.own import Kind, read_own, sign_own
from freehold.vault.oms.statement import IGNORED, ONLY_FILE, Resource, Statement, read_statement, write_statement

__all__ = [
    "IGNORED",
    "MAX_BUNDLE_BYTES",
    "ONLY_FILE",
    "Bundle",
    "Kind",
    "Resource",
    "Statement",
    "read_bundle",
    "read_certificates",
    "read_own",
    "read_statement",
    "sign",
    "sign_own",
    "signer_of",
    "write_bundle",
    "write_statement",
]
