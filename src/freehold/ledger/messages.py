# SPDX-License-Identifier: Apache-2.0
"""What a gateway (or the control process) and the ledger say to each other. Content of calls is in none of it."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec

from freehold.contract.attempt import Bait, Tried
from freehold.contract.backend import Target
from freehold.contract.call import Call, DataClass, Dialect, Operation
from freehold.contract.decision import Verdict
from freehold.contract.record import LedgerPosition, Outcome
from freehold.ledger.interface import LedgerHead, LedgerStatus, Prune, ReceiptForm
from freehold.ledger.record.commitment import SALT_BYTES


class Message(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Its fields have an order and no names: both ends are of one build."""


class Hello(Message, frozen=True, tag="hello"):
    """First on every connection. It takes the place of an older one of the same identity."""

    identity: str
    in_flight: tuple[str, ...]  # ids of calls that this process has not concluded


class Judged(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What was decided, under which rules and facts, over which targets: the same for thousands of calls."""

    verdicts: tuple[Verdict, ...]
    policy_digest: str
    facts_digest: str
    targets: tuple[Target, ...]  # all of the service, in order
    snapshot_version: int


class Admit(Message, frozen=True, tag="admit"):
    """Sent again after a lost connection; the second is answered with the first one's index."""

    id: str  # of the call, as what follows
    dialect: Dialect
    operation: Operation
    asked: str
    service: str
    key_id: str
    data_class: DataClass
    stream: bool
    decision: str  # its id
    judged: msgspec.Raw  # a ``Judged``
    request: str  # the commitment to the body
    salt: Annotated[bytes, msgspec.Meta(min_length=SALT_BYTES, max_length=SALT_BYTES)]


class Conclude(Message, frozen=True, tag="conclude"):
    """Answered with the index of the one outcome of the call, whoever wrote it; -1 if the call was never admitted."""

    outcome: Outcome
    admission: int  # -1: the gateway gave up before it heard whether the call was admitted


class RecordAct(Message, frozen=True, tag="act"):
    id: str
    kind: str
    subject: str
    operator: str
    digests: dict[str, str]


class ForgetCall(Message, frozen=True, tag="forget-call"):
    """Destroy the salt of a call, and record it as the act ``id``. Answered as an act, or with NotForgotten."""

    id: str
    operator: str
    call: str
    admission: int


class ForgetDay(Message, frozen=True, tag="forget-day"):
    """Destroy every salt of a day that is over, and record it as the act ``id``. Answered as ForgetCall is."""

    id: str
    operator: str
    day: str


class AskReceipt(Message, frozen=True, tag="receipt"):
    """A receipt for whoever holds this key. Answered with Given or NotGiven."""

    ask: int
    position: LedgerPosition  # of either entry of a call
    key: str
    form: ReceiptForm


class PruneLog(Message, frozen=True, tag="prune"):
    """Take the entries before an index, or an instant, away; or say what would go. Answered with Pruning, NotPruned."""

    ask: int
    before: int | datetime
    dry_run: bool


class AddCosignatures(Message, frozen=True, tag="cosignatures"):
    """A published checkpoint that witnesses have cosigned. Answered with CosignaturesAdded or CosignaturesRefused."""

    ask: int
    checkpoint: str  # the note, with the log's signature and the cosignatures


class PublishNow(Message, frozen=True, tag="publish"):
    ask: int


class AskStatus(Message, frozen=True, tag="status"):
    ask: int


class TryEgress(Message, frozen=True, tag="try-egress"):
    """The ledger's process is to try to get out."""

    ask: int
    bait: Bait


ToLedger = (
    Hello
    | Admit
    | Conclude
    | RecordAct
    | ForgetCall
    | ForgetDay
    | AskReceipt
    | PruneLog
    | AddCosignatures
    | PublishNow
    | AskStatus
    | TryEgress
)


class Welcome(Message, frozen=True, tag="welcome"):
    origin: str


class Written(Message, frozen=True, tag="written"):
    """Ids of calls or acts, each with the index of its entry; by what was asked for."""

    admitted: tuple[tuple[str, int], ...] = ()
    concluded: tuple[tuple[str, int], ...] = ()
    acts: tuple[tuple[str, int], ...] = ()


class NotWritten(Message, frozen=True, tag="not-written"):
    """An admission is refused for good; an outcome or act is to be sent again later. Each by its id."""

    reason: str
    full: bool
    admission: str = ""
    later: str = ""


class NotForgotten(Message, frozen=True, tag="not-forgotten"):
    """There is no such salt to destroy, or none that can be found; nothing was recorded as the act ``id``."""

    id: str
    absent: bool  # else damaged
    reason: str
    hint: str


class Given(Message, frozen=True, tag="given"):
    ask: int
    receipt: bytes


class Lack(StrEnum):
    """Why there is no receipt."""

    UNKNOWN = "unknown"  # to this key
    NOT_YET = "not-yet"  # published
    BUSY = "busy"  # too many wait for theirs
    FAULT = "fault"  # the log could not be read


class NotGiven(Message, frozen=True, tag="not-given"):
    ask: int
    why: Lack


class Pruning(Message, frozen=True, tag="pruning"):
    ask: int
    prune: Prune


class NotPruned(Message, frozen=True, tag="not-pruned"):
    """Nothing went; or, after a fault of the disk, not all."""

    ask: int
    fault: bool
    reason: str
    hint: str = ""


class CosignaturesAdded(Message, frozen=True, tag="cosigned"):
    ask: int
    size: int  # of the cosigned checkpoint that is in place now


class CosignaturesRefused(Message, frozen=True, tag="not-cosigned"):
    ask: int
    fault: bool  # of the disk: it may be sent again
    reason: str


class Published(Message, frozen=True, tag="published"):
    ask: int
    head: LedgerHead


class NotPublished(Message, frozen=True, tag="not-published"):
    ask: int
    reason: str
    full: bool


class StatusReport(Message, frozen=True, tag="status-report"):
    ask: int
    status: LedgerStatus


class EgressTried(Message, frozen=True, tag="egress-tried"):
    ask: int
    tried: Tried


FromLedger = (
    Welcome
    | Written
    | NotWritten
    | NotForgotten
    | Given
    | NotGiven
    | Pruning
    | NotPruned
    | CosignaturesAdded
    | CosignaturesRefused
    | Published
    | NotPublished
    | StatusReport
    | EgressTried
)


def admit(call: Call, decision: str, judged: msgspec.Raw, *, request: str, salt: bytes) -> Admit:
    """The message that admits a call: whose decision has this id and reads ``judged`` when it is encoded."""
    return Admit(
        call.id,
        call.dialect,
        call.operation,
        call.asked,
        call.service,
        call.key_id,
        call.data_class,
        call.stream,
        decision,
        judged,
        request,
        salt,
    )
