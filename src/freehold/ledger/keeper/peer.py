# SPDX-License-Identifier: Apache-2.0
"""One connection to the ledger's process, and the answers gathered for it: one message for a whole group of entries."""

from contextlib import suppress

from freehold.channel import Channel, ChannelClosed
from freehold.errors import LedgerFault, LedgerFull
from freehold.ledger.messages import FromLedger, NotWritten, ToLedger, Written


class Peer:
    """Whoever is at the other end; ``connected`` until it is gone or another connection took its place."""

    def __init__(self, identity: str, channel: Channel[ToLedger, FromLedger]) -> None:
        self.identity = identity
        self.connected = True
        self._channel = channel
        self._admitted: list[tuple[str, int]] = []
        self._concluded: list[tuple[str, int]] = []
        self._acts: list[tuple[str, int]] = []

    def admitted(self, call_id: str, index: int) -> None:
        self._admitted.append((call_id, index))

    def concluded(self, call_id: str, index: int) -> None:
        self._concluded.append((call_id, index))

    def recorded(self, act_id: str, index: int) -> None:
        self._acts.append((act_id, index))

    def refused(self, call_id: str, fault: LedgerFault) -> None:
        """An admission did not get in and will not."""
        self.say(NotWritten(reason=fault.message, full=isinstance(fault, LedgerFull), admission=call_id))

    def put_off(self, id: str, fault: LedgerFault) -> None:  # noqa: A002
        """An outcome or an act did not get in yet; it is to be sent again."""
        self.say(NotWritten(reason=fault.message, full=isinstance(fault, LedgerFull), later=id))

    def flush(self) -> None:
        """Send what was gathered."""
        if self._admitted or self._concluded or self._acts:
            written = Written(tuple(self._admitted), tuple(self._concluded), tuple(self._acts))
            self._admitted, self._concluded, self._acts = [], [], []
            self.say(written)

    def say(self, message: FromLedger) -> None:
        """To a peer that is gone nothing is said: it asks again when it is back."""
        with suppress(ChannelClosed):
            self._channel.post(message)

    def hang_up(self) -> None:
        self.connected = False
        self._channel.close()
