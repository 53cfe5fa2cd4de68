# SPDX-License-Identifier: Apache-2.0
"""One connection to the ledger's process, and the answers gathered for it: one message for a whole group of entries."""

import contextlib

from freehold.channel import Channel, ChannelClosed
from freehold.errors import LedgerFault, LedgerFull
from freehold.ledger.messages import FromLedger, NotWritten, ToLedger, Written


class Peer:
    """Whoever is at the other end; ``connected`` until it is gone or another connection took its place.

    ``admitted``, ``concluded`` and ``acts`` gather pairs of an id and an index, until ``flush``.
    """

    def __init__(self, identity: str, channel: Channel[ToLedger, FromLedger]) -> None:
        self.identity = identity
        self.connected = True
        self._channel = channel
        self.admitted: list[tuple[str, int]] = []
        self.concluded: list[tuple[str, int]] = []
        self.acts: list[tuple[str, int]] = []

    def refused(self, call_id: str, fault: LedgerFault) -> None:
        """An admission did not get in and will not."""
        self.say(NotWritten(reason=fault.message, full=isinstance(fault, LedgerFull), admission=call_id))

    def put_off(self, id: str, fault: LedgerFault) -> None:  # noqa: A002
        """An outcome or an act did not get in yet; it is to be sent again."""
        self.say(NotWritten(reason=fault.message, full=isinstance(fault, LedgerFull), later=id))

    def flush(self) -> None:
        """Send what was gathered, at once: somebody waits for it."""
        if self.admitted or self.concluded or self.acts:
            written = Written(tuple(self.admitted), tuple(self.concluded), tuple(self.acts))
            self.admitted, self.concluded, self.acts = [], [], []
            with contextlib.suppress(ChannelClosed):
                self._channel.say(written)

    def say(self, message: FromLedger) -> None:
        """To a peer that is gone nothing is said: it asks again when it is back."""
        with contextlib.suppress(ChannelClosed):
            self._channel.post(message)

    def hang_up(self) -> None:
        self.connected = False
        self._channel.close()
