# SPDX-License-Identifier: Apache-2.0
"""What an entry of the log says: ``admission``, ``outcome`` or ``act``, as canonical JSON. Pure.

Canonical as in RFC 8785, in the part of JSON used here: sorted keys, no whitespace, UTF-8; integers, strings, booleans,
lists and objects, no fractions and no null. An entry holds ids, counts, digests and commitments. It never holds
content, free text or the name of a person: what a caller can choose freely is recorded as its digest.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec import UNSET, UnsetType

from freehold.contract.backend import BackendKind, Target
from freehold.contract.call import Call, DataClass, Dialect, Operation
from freehold.contract.decision import Decision
from freehold.contract.record import Ending, Outcome, Seam, SeamKind
from freehold.ledger.tree.bundle import MAX_ENTRY_BYTES

VERSION = 1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}")
_ERROR = re.compile(r"[a-z_]{0,64}")
_ACT = re.compile(r"[a-z]+(\.[a-z_]+)+")
_DIGEST = re.compile(r"[a-z0-9-]+:[0-9a-f]+")


class DecisionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Which decision, under which rules and facts."""

    id: str
    policy: str
    facts: str


class TargetRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One target of the service as it was known when the call was judged, and the verdict."""

    name: str
    backend: BackendKind
    model: str
    model_digest: str
    operator: str
    authorities: tuple[str, ...]
    allowed: bool
    rules: tuple[str, ...]


class AdmissionEntry(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="admission"):
    """A call was judged. ``effect`` is ``allow`` or ``refuse``; a refusal is complete in itself."""

    v: int
    at: str
    call: str
    dialect: Dialect
    operation: Operation
    service: str
    key: str
    data_class: str
    stream: bool
    effect: str
    decision: DecisionRecord
    targets: tuple[TargetRecord, ...]
    snapshot: int
    request: str  # commitment to the body, hex
    asked: str | UnsetType = UNSET
    asked_sha256: str | UnsetType = UNSET


class SeamRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Where one target's answer broke off, and who went on with it."""

    left: str
    taken_by: str
    how: SeamKind
    error: str
    at_bytes: int


class OutcomeEntry(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="outcome"):
    """An allowed call ended. ``admission`` is the index of its admission."""

    v: int
    at: str
    call: str
    admission: int
    ending: Ending
    target: str
    model_digest: str
    error: str
    input_tokens: int
    output_tokens: int
    answer: str  # commitment to the bytes sent, hex
    answer_bytes: int
    model: str | UnsetType = UNSET
    model_sha256: str | UnsetType = UNSET
    answered_as: str | UnsetType = UNSET  # only where a provider answered with another model than it was asked for
    answered_as_sha256: str | UnsetType = UNSET
    seams: tuple[SeamRecord, ...] | UnsetType = UNSET  # only of an answer that broke off after its first byte


class ActEntry(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="act"):
    """An operator changed something. ``digests`` say what, for whoever holds the originals."""

    v: int
    at: str
    id: str
    act: str
    subject: str
    operator: str
    digests: dict[str, str]


Entry = AdmissionEntry | OutcomeEntry | ActEntry

_encoder = msgspec.json.Encoder(order="sorted")
_decoder: msgspec.json.Decoder[Entry] = msgspec.json.Decoder(Entry)
_CLASS_NAMES = {data_class: data_class.name.lower() for data_class in DataClass}


def admission(  # noqa: PLR0913 - one argument for each part of the record
    call: Call,
    decision: Decision,
    *,
    targets: Sequence[Target],
    snapshot_version: int,
    request_commitment: str,
    at_utc: datetime,
) -> bytes:
    """The entry that opens a call. ``targets`` are all the service's, in order. Raises ValueError."""
    if not _NAME.fullmatch(call.id):
        raise ValueError("the call has an id that could be free text")
    verdicts = {verdict.target: verdict for verdict in decision.verdicts}
    if set(verdicts) != {target.name for target in targets}:
        raise ValueError("the decision and the service do not name the same targets")
    records = tuple(
        TargetRecord(
            name=target.name,
            backend=target.kind,
            model=target.model.name,
            model_digest=target.model.digest,
            operator=target.operator,
            authorities=target.authorities,
            allowed=verdicts[target.name].allowed,
            rules=verdicts[target.name].rules,
        )
        for target in targets
    )
    return _encode(
        AdmissionEntry(
            v=VERSION,
            at=_instant(at_utc),
            call=call.id,
            dialect=call.dialect,
            operation=call.operation,
            service=call.service,
            key=call.key_id,
            data_class=_CLASS_NAMES[call.data_class],
            stream=call.stream,
            effect="allow" if decision.allowed else "refuse",
            decision=DecisionRecord(id=decision.id, policy=decision.policy_digest, facts=decision.facts_digest),
            targets=records,
            snapshot=snapshot_version,
            request=request_commitment,
            **_name_or_digest("asked", call.asked),
        )
    )


def outcome(result: Outcome, admission_index: int, *, at_utc: datetime) -> bytes:
    """The entry that closes the call admitted at ``admission_index``. Raises ValueError."""
    if min(result.input_tokens, result.output_tokens, result.answer_bytes, admission_index) < 0:
        raise ValueError("a count in the outcome is negative")
    if not _ERROR.fullmatch(result.error):
        raise ValueError("the outcome's error is no code")
    return _encode(
        OutcomeEntry(
            v=VERSION,
            at=_instant(at_utc),
            call=result.call_id,
            admission=admission_index,
            ending=result.ending,
            target=result.target,
            model_digest=result.model_digest,
            error=result.error,
            input_tokens=result.input_tokens,
            output_tokens=result.output_tokens,
            answer=result.answer,
            answer_bytes=result.answer_bytes,
            **_name_or_digest("model", result.model),
            seams=tuple(_seam_record(seam) for seam in result.seams) or UNSET,
            **(_name_or_digest("answered_as", result.answered_as) if result.answered_as else {}),
        )
    )


def _seam_record(seam: Seam) -> SeamRecord:
    return SeamRecord(left=seam.left, taken_by=seam.taken_by, how=seam.kind, error=seam.error, at_bytes=seam.at_bytes)


def act(  # noqa: PLR0913 - one argument for each part of the record
    *,
    id: str,  # noqa: A002
    kind: str,
    subject: str,
    operator: str,
    digests: Mapping[str, str],
    at_utc: datetime,
) -> bytes:
    """The entry of an administrative act such as ``key.create``: ids and digests only. Raises ValueError."""
    if not _ACT.fullmatch(kind):
        raise ValueError(f"{kind!r} does not name an act: expected words such as key.create")
    if not all(_NAME.fullmatch(value) for value in (id, subject, operator, *digests)):
        raise ValueError(f"the record of {kind} holds something that is no id")
    if not all(_DIGEST.fullmatch(value) for value in digests.values()):
        raise ValueError(f"the record of {kind} holds something that is no digest: expected ALGORITHM:HEX")
    entry = ActEntry(
        v=VERSION, at=_instant(at_utc), id=id, act=kind, subject=subject, operator=operator, digests=dict(digests)
    )
    return _encode(entry)


def read_entry(data: bytes) -> Entry | None:
    """The entry, or None if it is of a kind or version that this release does not know."""
    try:
        entry = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return entry if entry.v == VERSION else None


def is_canonical(data: bytes) -> bool:
    """Whether the bytes are the one way to write the JSON that they hold."""
    try:
        return _encoder.encode(msgspec.json.decode(data)) == data
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


def outcome_mark(admission_index: int) -> bytes:
    """Bytes that the outcome of an admission is sure to hold: to find it without decoding every entry on the way."""
    return b'"admission":%d,' % admission_index


def _encode(entry: Entry) -> bytes:
    data = _encoder.encode(entry)
    if len(data) > MAX_ENTRY_BYTES:
        raise ValueError(f"an entry of {len(data)} bytes is over the limit of {MAX_ENTRY_BYTES}")
    return data


def _instant(at_utc: datetime) -> str:
    """Microseconds, always six digits, so that instants sort as text."""
    return f"{at_utc:%Y-%m-%dT%H:%M:%S}.{at_utc.microsecond:06d}Z"


def _name_or_digest(field: str, value: str) -> dict[str, str]:
    """What looks like a model's name is recorded; anything else could be content, and its digest is."""
    if not value or _NAME.fullmatch(value):
        return {field: value}
    return {f"{field}_sha256": hashlib.sha256(value.encode("utf-8", errors="surrogatepass")).hexdigest()}
