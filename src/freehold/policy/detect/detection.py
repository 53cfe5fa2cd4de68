# SPDX-License-Identifier: Apache-2.0
"""What the detector makes of a call's data class. It can only raise it, and does so whenever it cannot tell."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, Protocol

from freehold.contract.call import Call
from freehold.contract.snapshot import Snapshot
from freehold.policy.detect.text import text_of

MOST_CHARACTERS: Final = 256 * 1024  # of a call; a longer one is not read, and counts as personal data
TOO_LONG: Final = "too-long"


class Texts(Protocol):
    """Whoever reads texts."""

    def open(self) -> None:
        """Be ready for the first text."""
        ...

    async def find(self, text: str) -> str:
        """The kind of personal data in a text, or why it could not be told; empty: there is none. Never raises."""
        ...

    def close(self) -> None: ...


class Detection:
    """The detector of one gateway. ``counts`` has the calls that it raised, by what it found. Never content."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self.counts: Counter[str] = Counter()

    def configure(self, snapshot: Snapshot) -> None:
        """Have the reader ready where the configuration names one, and gone where it does not."""
        if snapshot.detector:
            self._texts.open()
        else:
            self._texts.close()

    async def raised(self, call: Call, fields: Mapping[str, Any], snapshot: Snapshot) -> Call:
        """The call, in the class that it has once its texts were looked at. Nothing is looked at in vain."""
        if not snapshot.detector or call.data_class >= snapshot.detector_class:
            return call
        text = text_of(fields, most=MOST_CHARACTERS)
        kind = TOO_LONG if text is None else await self._texts.find(text)
        if not kind:
            return call
        self.counts[kind] += 1
        return replace(call, data_class=snapshot.detector_class)
