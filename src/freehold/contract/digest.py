# SPDX-License-Identifier: Apache-2.0
"""How a digest is written wherever one is shown, compared or recorded."""

import hashlib


def sha256_of(content: bytes) -> str:
    """``sha256:`` and 64 hexadecimal digits."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
