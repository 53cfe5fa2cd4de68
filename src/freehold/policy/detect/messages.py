# SPDX-License-Identifier: Apache-2.0
"""What passes between a gateway and the process that reads its texts: a text, then a kind, each behind its length."""

import struct
from typing import Final

LENGTH: Final = struct.Struct(">I")  # of what follows, in bytes of UTF-8
UNREAD: Final = "not-read"  # stands for a kind where a text could not be read


def frame(text: str) -> bytes:
    """A text or a kind as it is sent. Halves of characters, which JSON can carry, are sent as question marks."""
    payload = text.encode("utf-8", "replace")
    return LENGTH.pack(len(payload)) + payload
