# SPDX-License-Identifier: Apache-2.0
"""Which admissions have no outcome yet, whose they are, and when they count as lost. Pure; times are handed in."""

from collections import OrderedDict
from collections.abc import Iterable

import msgspec

_REMEMBERED = 16_384


class OpenCall(msgspec.Struct):
    """``lost_at_s``: when the ledger closes the call itself; None while its gateway is connected."""

    index: int
    owner: str
    lost_at_s: float | None
    closing: bool = False  # its outcome is on the way to the disk


class Recent(OrderedDict[str, int]):
    """Where the latest entries of some kind lie, by id, so that what is sent twice is written once."""

    def add(self, id: str, index: int) -> None:  # noqa: A002
        self[id] = index
        if len(self) > _REMEMBERED:
            self.popitem(last=False)


class OpenCalls:
    """The open admissions in the order of the log, and where the outcomes of the calls that ended lately lie."""

    def __init__(self) -> None:
        self.open: dict[str, OpenCall] = {}
        self.ended = Recent()

    def __len__(self) -> int:
        return len(self.open)

    def admitted(self, call_id: str, index: int, owner: str, lost_at_s: float | None) -> None:
        self.open[call_id] = OpenCall(index, owner, lost_at_s)

    def concluded(self, call_id: str, outcome_index: int) -> None:
        self.open.pop(call_id, None)
        self.ended.add(call_id, outcome_index)

    def claim(self, owner: str, call_ids: Iterable[str]) -> None:
        """A gateway is there and says that these are its calls."""
        for call_id in call_ids:
            if call := self.open.get(call_id):
                call.owner, call.lost_at_s = owner, None

    def leave(self, owner: str, lost_at_s: float) -> None:
        """A gateway is gone: its calls are lost at this time, unless it claims them."""
        for call in self.open.values():
            if call.owner == owner and call.lost_at_s is None:
                call.lost_at_s = lost_at_s

    def lost(self, now_s: float) -> list[str]:
        """Calls whose time is up and whose outcome nobody is writing."""
        return [
            call_id
            for call_id, call in self.open.items()
            if call.lost_at_s is not None and call.lost_at_s <= now_s and not call.closing
        ]

    def next_loss_s(self) -> float | None:
        """When the next call will be lost."""
        times = [call.lost_at_s for call in self.open.values() if call.lost_at_s is not None and not call.closing]
        return min(times, default=None)

    def low_water(self, size: int) -> int:
        """The index before which every admission is concluded."""
        return next((call.index for call in self.open.values()), size)
