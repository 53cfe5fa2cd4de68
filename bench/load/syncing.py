# SPDX-License-Identifier: Apache-2.0
"""The disk's own time to put a few bytes where a power cut leaves them, measured where the estates of the run lie."""

import os
import tempfile
import time

_BYTES = 1024  # about what an admission takes with its frame


def syncs_ms(times: int) -> list[float]:
    """Milliseconds of so many appends, each with its fdatasync."""
    taken_ms = []
    with tempfile.TemporaryFile(prefix="freehold-sync-", buffering=0) as file:
        for _ in range(times):
            begun = time.perf_counter()
            file.write(bytes(_BYTES))
            os.fdatasync(file.fileno())
            taken_ms.append((time.perf_counter() - begun) * 1000)
    return taken_ms
