# SPDX-License-Identifier: Apache-2.0
"""The source archive that this release knows by digest, as data."""

from typing import Final

from freehold.vault.fetching import SourceArchive

LLAMA_CPP: Final = SourceArchive(
    package="llama-cpp-python",
    version="0.3.36",
    sha256="832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e",
    size_bytes=76_589_250,
)
