# SPDX-License-Identifier: Apache-2.0
"""What was decided is the same for thousands of calls: the gateway encodes it once, the ledger makes JSON of it once.

Each side keeps what it made and looks for it by what it was made of, so that neither depends on what the other keeps.
"""

from dataclasses import dataclass

import msgspec

from freehold.contract.backend import Target
from freehold.contract.decision import Decision
from freehold.ledger import compose
from freehold.ledger.compose import Judgement
from freehold.ledger.messages import Judged

_MOST_KEPT = 256


@dataclass(frozen=True, slots=True)
class _Encoded:
    """The verdicts are kept, so that nothing else can have their id."""

    said: Judged
    encoded: msgspec.Raw

    def is_of(self, decision: Decision, targets: tuple[Target, ...], snapshot_version: int) -> bool:
        said = self.said
        return (
            said.snapshot_version == snapshot_version
            and said.targets == targets
            and said.policy_digest == decision.policy_digest
            and said.facts_digest == decision.facts_digest
        )


class Encoding:
    """The gateway's. Policy hands out the very same verdicts again and again: they are looked for by their id."""

    def __init__(self) -> None:
        self._encoder = msgspec.msgpack.Encoder()
        self._kept: dict[int, _Encoded] = {}

    def of(self, decision: Decision, targets: tuple[Target, ...], snapshot_version: int) -> msgspec.Raw:
        """The ``Judged`` of a decision, as it goes into messages."""
        kept = self._kept.get(id(decision.verdicts))
        if kept is not None and kept.is_of(decision, targets, snapshot_version):
            return kept.encoded
        said = Judged(decision.verdicts, decision.policy_digest, decision.facts_digest, targets, snapshot_version)
        encoded = msgspec.Raw(self._encoder.encode(said))
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        self._kept[id(decision.verdicts)] = _Encoded(said, encoded)
        return encoded


class Reading:
    """The ledger's."""

    def __init__(self) -> None:
        self._decoder = msgspec.msgpack.Decoder(Judged)
        self._kept: dict[bytes, Judgement] = {}

    def of(self, judged: msgspec.Raw) -> Judgement:
        """Its part of an entry. Raises ValueError."""
        encoded = bytes(judged)
        kept = self._kept.get(encoded)
        if kept is None:
            kept = compose.judgement(self._decoder.decode(encoded))
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[encoded] = kept
        return kept
