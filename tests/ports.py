# SPDX-License-Identifier: Apache-2.0
"""Ports for servers that a test starts, stops and starts again. A port that is free now is still free then.

The kernel lends ports from a range of its own to whoever dials out, so none of those is taken. Each is claimed, by an
abstract socket of its name, from every other run of these tests on this machine, for as long as this process lives.
"""

import secrets
import socket
from pathlib import Path

_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LOWEST = 10_000


def free_port() -> int:
    """One that nobody listens on, and that nobody else gets from here."""
    highest = int(_RANGE.read_text(encoding="ascii").split()[0]) - 1
    for _ in range(1000):
        port = _LOWEST + secrets.randbelow(highest - _LOWEST)
        if _is_free(port) and _claim(port):
            return port
    raise AssertionError(f"no port between {_LOWEST} and {highest} is free")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _claim(port: int) -> bool:
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0freehold-tests-{port}")
    except OSError:
        claim.close()
        return False
    claim.detach()  # open until this process ends
    return True
