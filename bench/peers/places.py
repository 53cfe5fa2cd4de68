# SPDX-License-Identifier: Apache-2.0
"""Where the suite keeps what it installs and what it writes. Both are ignored by git, and neither is of an estate."""

from pathlib import Path

BENCH = Path(__file__).parents[1]
CACHE = BENCH.parent / ".cache" / "bench"  # peers, in environments of their own
OUT = BENCH / "out"
LOCKS = Path(__file__).parent / "locks"
