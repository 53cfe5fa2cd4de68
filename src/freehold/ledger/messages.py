# SPDX-License-Identifier: Apache-2.0
"""What a gateway (or the control process) and the ledger say to each other. Content of calls is in none of it."""

from typing import Annotated

import msgspec

from freehold.contract.attempt import Bait, Tried
from freehold.contract.backend import Target
from freehold.contract.call import Call
from freehold.contract.decision import Decision
from freehold.contract.record import Outcome
from freehold.ledger.interface import LedgerHead, LedgerStatus
from freehold.ledger.record.commitment import SALT_BYTES


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """First on every connection. It takes the place of an older one of the same identity."""

    identity: str
    in_flight: tuple[str, ...]  # ids of calls that this process has not concluded


class Admit(msgspec.Struct, frozen=True, tag="admit"):
    """Sent again after a lost connection; the second is answered with the first one's index."""

    call: Call  # its body is left empty
    decision: Decision
    targets: tuple[Target, ...]
    snapshot_version: int
    request: str  # the commitment to the body
    salt: Annotated[bytes, msgspec.Meta(min_length=SALT_BYTES, max_length=SALT_BYTES)]


class Conclude(msgspec.Struct, frozen=True, tag="conclude"):
    """Answered with the index of the one outcome of the call, whoever wrote it; -1 if the call was never admitted."""

    outcome: Outcome
    admission: int  # -1: the gateway gave up before it heard whether the call was admitted


class RecordAct(msgspec.Struct, frozen=True, tag="act"):
    id: str
    kind: str
    subject: str
    operator: str
    digests: dict[str, str]


class PublishNow(msgspec.Struct, frozen=True, tag="publish"):
    ask: int


class AskStatus(msgspec.Struct, frozen=True, tag="status"):
    ask: int


class TryEgress(msgspec.Struct, frozen=True, tag="try-egress"):
    """The ledger's process is to try to get out."""

    ask: int
    bait: Bait


ToLedger = Hello | Admit | Conclude | RecordAct | PublishNow | AskStatus | TryEgress


class Welcome(msgspec.Struct, frozen=True, tag="welcome"):
    origin: str


class Written(msgspec.Struct, frozen=True, tag="written"):
    """Ids of calls or acts, each with the index of its entry; by what was asked for."""

    admitted: tuple[tuple[str, int], ...] = ()
    concluded: tuple[tuple[str, int], ...] = ()
    acts: tuple[tuple[str, int], ...] = ()


class NotWritten(msgspec.Struct, frozen=True, tag="not-written"):
    """An admission is refused for good; an outcome or act is to be sent again later. Each by its id."""

    reason: str
    full: bool
    admission: str = ""
    later: str = ""


class Published(msgspec.Struct, frozen=True, tag="published"):
    ask: int
    head: LedgerHead


class NotPublished(msgspec.Struct, frozen=True, tag="not-published"):
    ask: int
    reason: str
    full: bool


class StatusReport(msgspec.Struct, frozen=True, tag="status-report"):
    ask: int
    status: LedgerStatus


class EgressTried(msgspec.Struct, frozen=True, tag="egress-tried"):
    ask: int
    tried: Tried


FromLedger = Welcome | Written | NotWritten | Published | NotPublished | StatusReport | EgressTried
