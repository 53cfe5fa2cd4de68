# SPDX-License-Identifier: Apache-2.0
"""Makes the entries of the log: canonical JSON out of calls, decisions, outcomes and acts. Needs msgspec, for speed.

``record/entry.py`` has the same fields, as they are read: a field that is new here is new there, or no one sees it.
What a caller can choose freely is recorded as its digest; what could be free text is refused.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache

import msgspec

from freehold.contract.backend import Target
from freehold.contract.call import Call, DataClass
from freehold.contract.decision import Decision, Verdict
from freehold.contract.record import Outcome, Seam
from freehold.ledger.record.entry import VERSION
from freehold.ledger.tree.bundle import MAX_ENTRY_BYTES

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}")
_ERROR = re.compile(r"[a-z_]{0,64}")
_ACT = re.compile(r"[a-z]+(\.[a-z_]+)+")
_DIGEST = re.compile(r"[a-z0-9-]+:[0-9a-f]+")
_CLASS_NAMES = {data_class: data_class.name.lower() for data_class in DataClass}
_encoder = msgspec.json.Encoder(order="sorted")


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
    return _encode(
        {
            "kind": "admission",
            "v": VERSION,
            "at": _instant(at_utc),
            "call": call.id,
            "dialect": call.dialect,
            "operation": call.operation,
            "service": call.service,
            "key": call.key_id,
            "data_class": _CLASS_NAMES[call.data_class],
            "stream": call.stream,
            "effect": "allow" if decision.allowed else "refuse",
            "decision": {"id": decision.id, "policy": decision.policy_digest, "facts": decision.facts_digest},
            "targets": [_target(target, verdicts[target.name]) for target in targets],
            "snapshot": snapshot_version,
            "request": request_commitment,
            **_name_or_digest("asked", call.asked),
        }
    )


def outcome(result: Outcome, admission_index: int, *, at_utc: datetime) -> bytes:
    """The entry that closes the call admitted at ``admission_index``. Raises ValueError."""
    if min(result.input_tokens, result.output_tokens, result.answer_bytes, admission_index) < 0:
        raise ValueError("a count in the outcome is negative")
    if not _ERROR.fullmatch(result.error):
        raise ValueError("the outcome's error is no code")
    return _encode(
        {
            "kind": "outcome",
            "v": VERSION,
            "at": _instant(at_utc),
            "call": result.call_id,
            "admission": admission_index,
            "ending": result.ending,
            "target": result.target,
            "model_digest": result.model_digest,
            "error": result.error,
            "input_tokens": result.input_tokens,
            "output_tokens": result.output_tokens,
            "answer": result.answer,
            "answer_bytes": result.answer_bytes,
            **_name_or_digest("model", result.model),
            **({"engine_digest": result.engine_digest} if result.engine_digest else {}),
            **({"seams": [_seam(seam) for seam in result.seams]} if result.seams else {}),
            **(_name_or_digest("answered_as", result.answered_as) if result.answered_as else {}),
        }
    )


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
    return _encode(
        {
            "kind": "act",
            "v": VERSION,
            "at": _instant(at_utc),
            "id": id,
            "act": kind,
            "subject": subject,
            "operator": operator,
            "digests": dict(digests),
        }
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


def _seam(seam: Seam) -> dict[str, object]:
    return {
        "left": seam.left,
        "taken_by": seam.taken_by,
        "how": seam.kind,
        "error": seam.error,
        "at_bytes": seam.at_bytes,
    }


def _encode(fields: Mapping[str, object]) -> bytes:
    data = _encoder.encode(fields)
    if len(data) > MAX_ENTRY_BYTES:
        raise ValueError(f"an entry of {len(data)} bytes is over the limit of {MAX_ENTRY_BYTES}")
    return data


@lru_cache(maxsize=4)  # a whole group has one
def _instant(at_utc: datetime) -> str:
    """Microseconds, always six digits, so that instants sort as text."""
    return f"{at_utc:%Y-%m-%dT%H:%M:%S}.{at_utc.microsecond:06d}Z"


def _name_or_digest(field: str, value: str) -> dict[str, str]:
    """What looks like a model's name is recorded; anything else could be content, and its digest is."""
    if not value or _NAME.fullmatch(value):
        return {field: value}
    return {f"{field}_sha256": hashlib.sha256(value.encode("utf-8", errors="surrogatepass")).hexdigest()}
