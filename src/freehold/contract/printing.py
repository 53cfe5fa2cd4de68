# SPDX-License-Identifier: Apache-2.0
"""What others wrote, on a terminal."""


def printable(text: str) -> str:
    """Entries and names are whatever their writer wanted: nothing in them may steer a terminal."""
    return "".join(ch if ch.isprintable() else ascii(ch)[1:-1] for ch in text)
