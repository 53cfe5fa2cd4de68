# SPDX-License-Identifier: Apache-2.0
"""Makes the entries of the log: canonical JSON out of calls, decisions, outcomes and acts. Needs msgspec, for speed.

``record/entry.py`` has the same fields, as they are read: a field that is new here is new there, or no one sees it.
What a caller can choose freely is recorded as its digest; what could be free text is refused.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import msgspec
from msgspec import UNSET, UnsetType

from freehold.contract.backend import Target
from freehold.contract.call import Call, DataClass
from freehold.contract.decision import Decision, Verdict
from freehold.contract.record import Outcome, Seam
from freehold.ledger.messages import Admit, Judged, admit
from freehold.ledger.record.entry import VERSION
from freehold.ledger.tree.bundle import MAX_ENTRY_BYTES

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}")
_ERROR = re.compile(r"[a-z_]{0,64}")
_ACT = re.compile(r"[a-z]+(\.[a-z_]+)+")
_DIGEST = re.compile(r"[a-z0-9-]+:[0-9a-f]+")
_CLASS_NAMES = {data_class: data_class.name.lower() for data_class in DataClass}
_NOT_ENCODED = msgspec.Raw(b"")
_encode = msgspec.json.Encoder().encode
_sorting_encoder = msgspec.json.Encoder(order="sorted")
ALLOW = "allow"
_INSTANT_LENGTH = len("2026-11-22T00:00:00.000000")


class _Decision(msgspec.Struct, frozen=True, gc=False):
    facts: str
    id: str
    policy: str


class _Admission(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The fields stand in the order in which they are written, that of their names."""

    asked: str | UnsetType = UNSET
    asked_sha256: str | UnsetType = UNSET
    at: str
    call: str
    data_class: str
    decision: _Decision
    dialect: str
    effect: str
    key: str
    kind: str = "admission"
    operation: str
    request: str
    service: str
    snapshot: int
    stream: bool
    targets: msgspec.Raw
    v: int = VERSION


class _Seam(msgspec.Struct, frozen=True, gc=False):
    at_bytes: int
    error: str
    how: str
    left: str
    taken_by: str


class _Outcome(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """In the order of the names, as above."""

    admission: int
    answer: str
    answer_bytes: int
    answered_as: str | UnsetType = UNSET
    answered_as_sha256: str | UnsetType = UNSET
    at: str
    call: str
    ending: str
    engine_digest: str | UnsetType = UNSET
    error: str
    input_tokens: int
    kind: str = "outcome"
    model: str | UnsetType = UNSET
    model_digest: str
    model_sha256: str | UnsetType = UNSET
    output_tokens: int
    seams: list[_Seam] | UnsetType = UNSET
    target: str
    v: int = VERSION


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was decided for many calls, ready to be written into their entries."""

    allowed: bool
    effect: str
    policy_digest: str
    facts_digest: str
    targets: msgspec.Raw
    snapshot_version: int


def judgement(judged: Judged) -> Judgement:
    """Make the part of an entry that many have in common. Raises ValueError."""
    verdicts = {verdict.target: verdict for verdict in judged.verdicts}
    if set(verdicts) != {target.name for target in judged.targets}:
        raise ValueError("the decision and the service do not name the same targets")
    allowed = any(verdict.allowed for verdict in judged.verdicts)
    targets = [_target(target, verdicts[target.name]) for target in judged.targets]
    return Judgement(
        allowed=allowed,
        effect=ALLOW if allowed else "refuse",
        policy_digest=judged.policy_digest,
        facts_digest=judged.facts_digest,
        targets=msgspec.Raw(_sorting_encoder.encode(targets)),
        snapshot_version=judged.snapshot_version,
    )


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
    judged = Judged(decision.verdicts, decision.policy_digest, decision.facts_digest, tuple(targets), snapshot_version)
    said = admit(call, decision.id, _NOT_ENCODED, request=request_commitment, salt=b"")
    return admission_of(said, judgement(judged), at_utc=at_utc)


def admission_of(said: Admit, judged: Judgement, *, at_utc: datetime) -> bytes:
    """The same for a call whose gateway and whose judgement are heard of apart. Raises ValueError."""
    if not _NAME.fullmatch(said.id):
        raise ValueError("the call has an id that could be free text")
    asked = said.asked
    named = not asked or _NAME.fullmatch(asked)
    data = _encode(
        _Admission(
            asked=asked if named else UNSET,
            asked_sha256=UNSET if named else _digest(asked),
            at=instant(at_utc),
            call=said.id,
            data_class=_CLASS_NAMES[said.data_class],
            decision=_Decision(judged.facts_digest, said.decision, judged.policy_digest),
            dialect=said.dialect,
            effect=judged.effect,
            key=said.key_id,
            operation=said.operation,
            request=said.request,
            service=said.service,
            snapshot=judged.snapshot_version,
            stream=said.stream,
            targets=judged.targets,
        )
    )
    return _within_limit(data)


def outcome(result: Outcome, admission_index: int, *, at_utc: datetime) -> bytes:
    """The entry that closes the call admitted at ``admission_index``. Raises ValueError."""
    if result.input_tokens < 0 or result.output_tokens < 0 or result.answer_bytes < 0 or admission_index < 0:
        raise ValueError("a count in the outcome is negative")
    if result.error and not _ERROR.fullmatch(result.error):
        raise ValueError("the outcome's error is no code")
    model, answered_as = result.model, result.answered_as
    named = not model or _NAME.fullmatch(model)
    named_so = not answered_as or _NAME.fullmatch(answered_as)
    data = _encode(
        _Outcome(
            admission=admission_index,
            answer=result.answer,
            answer_bytes=result.answer_bytes,
            answered_as=answered_as if named_so and answered_as else UNSET,
            answered_as_sha256=UNSET if named_so else _digest(answered_as),
            at=instant(at_utc),
            call=result.call_id,
            ending=result.ending,
            engine_digest=result.engine_digest or UNSET,
            error=result.error,
            input_tokens=result.input_tokens,
            model=model if named else UNSET,
            model_digest=result.model_digest,
            model_sha256=UNSET if named else _digest(model),
            output_tokens=result.output_tokens,
            seams=[_seam(seam) for seam in result.seams] if result.seams else UNSET,
            target=result.target,
        )
    )
    return _within_limit(data)


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
    return _within_limit(
        _sorting_encoder.encode(
            {
                "kind": "act",
                "v": VERSION,
                "at": instant(at_utc),
                "id": id,
                "act": kind,
                "subject": subject,
                "operator": operator,
                "digests": dict(digests),
            }
        )
    )


def _target(target: Target, verdict: Verdict) -> dict[str, object]:
    return {
        **({"engine_digest": target.engine_digest} if target.engine_digest else {}),
        "name": target.name,
        "backend": target.kind,
        "model": target.model.name,
        "model_digest": target.model.digest,
        "operator": target.operator,
        "authorities": target.authorities,
        "allowed": verdict.allowed,
        "rules": verdict.rules,
    }


def _seam(seam: Seam) -> _Seam:
    return _Seam(at_bytes=seam.at_bytes, error=seam.error, how=seam.kind, left=seam.left, taken_by=seam.taken_by)


def _within_limit(data: bytes) -> bytes:
    if len(data) > MAX_ENTRY_BYTES:
        raise ValueError(f"an entry of {len(data)} bytes is over the limit of {MAX_ENTRY_BYTES}")
    return data


@lru_cache(maxsize=4)  # a whole group has one
def instant(at_utc: datetime) -> str:
    """An instant as entries have it: microseconds, always six digits, so that instants sort as text."""
    return f"{at_utc.isoformat(timespec='microseconds')[:_INSTANT_LENGTH]}Z"


def _digest(value: str) -> str:
    """What does not look like a model's name could be content, and its digest is recorded."""
    return hashlib.sha256(value.encode("utf-8", errors="surrogatepass")).hexdigest()
