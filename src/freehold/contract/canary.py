# SPDX-License-Identifier: Apache-2.0
"""A small call that the estate makes itself, to see whether one target still answers it."""

from typing import Final, NamedTuple

CANARY_KEY: Final = "canary"  # the key that such a call is decided, recorded and reported under


class Canary(NamedTuple):
    """What the control process asks one gateway for. The gateway's report has what came of it, as of any call.

    A tuple, since it shares a channel with the snapshot: MessagePack tells a tuple from a map.
    """

    target: str
