# SPDX-License-Identifier: Apache-2.0
"""What this host's processor can do, as the kernel tells it: code built for one may not run on another."""

import platform
from pathlib import Path

_FIELDS = ("flags", "Features")  # x86_64, aarch64


def features() -> tuple[str, ...]:
    """The names of its features, sorted; empty where the kernel does not tell."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ()
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.strip() in _FIELDS:
            return tuple(sorted(set(value.split())))
    return ()


def machine() -> str:
    """``x86_64`` or ``aarch64``, mostly."""
    return platform.machine()
