# SPDX-License-Identifier: Apache-2.0
"""How the ledger's witnesses look to whoever administers the estate, up or down. Reads files; asks no witness."""

from collections.abc import Iterator, Mapping

from freehold.admin.alarms import LastSeen, WitnessAlarm, WitnessRecords
from freehold.admin.doctor import Check, Finding
from freehold.admin.etags import with_etag
from freehold.admin.views import View, instant
from freehold.contract.estate import Estate
from freehold.errors import OperatorError, VerificationFailed
from freehold.ledger.check.trust import TrustedCheckpoint
from freehold.ledger.tree import layout
from freehold.ledger.tree.checkpoint import read_unverified
from freehold.settings import Settings
from freehold.witness.asking.exchange import AlarmKind
from freehold.witness.trusting import policy_of

_UNSEEN = "a rollback of the ledger could not be seen: there is no witness, and no anchor outside the estate"
_SEALED = "the estate is sealed, so no witness is asked"
_ADVICE = {
    AlarmKind.ROLLBACK: "Find out what put the ledger back; docs/tasks/have-a-witness.md tells what to do.",
    AlarmKind.SPLIT_VIEW: "Keep all as it is and find out who signed the other tree: docs/tasks/have-a-witness.md.",
}


def witnessing_view(  # noqa: PLR0913 - what is known, and of when
    estate: Estate,
    settings: Settings,
    records: WitnessRecords,
    *,
    sealed: bool,
    problems: Mapping[str, str],
    now_unix: float,
) -> View:
    """``problems``: why a witness gave no cosignature when it was asked last."""
    size, cosigned = published_size(estate), cosigned_checkpoint(estate, settings)
    rows = [
        {
            "name": name,
            "url": section.url,
            **_last(_of_key(records.seen.get(name), section.vkey), size, now_unix),
            "problem": _SEALED if sealed else problems.get(name, ""),
        }
        for name, section in settings.witnesses.items()
    ]
    at_unix = max((one.at_unix for one in cosigned.cosignatures), default=0) if cosigned else 0
    return {
        "quorum": settings.ledger.quorum,
        "cosigned": {
            "size": cosigned.checkpoint.size,
            "at": instant(at_unix),
            "age_s": max(0, int(now_unix) - at_unix),
            "lag": size - cosigned.checkpoint.size,
        }
        if cosigned
        else None,
        "witnesses": rows,
        "rollback_unseen": "" if guarded(settings) else _UNSEEN,
    }


def alarm_views(records: WitnessRecords) -> list[View]:
    """Every alarm ever raised, oldest first."""
    return [alarm_view(alarm, records.reasons.get(alarm.id, "")) for alarm in records.alarms]


def alarm_view(alarm: WitnessAlarm, reason: str) -> View:
    view: View = {
        "id": alarm.id,
        "witness": alarm.witness,
        "kind": alarm.kind,
        "state": "stands" if alarm.stands else "cleared",
        "what": told(alarm),
        "seen_size": alarm.seen_size,
        "own_size": alarm.own_size,
        "proved": alarm.proved,
        "seen": alarm.seen,
        "at": instant(alarm.at_unix),
        "cleared": instant(alarm.cleared_unix),
        "cleared_by": alarm.cleared_by,
        "reason": reason,
    }
    return with_etag(view, "reason")


def told(alarm: WitnessAlarm) -> str:
    """The alarm in a sentence."""
    proof = "which the log's own signature proves" if alarm.proved else "by its word"
    if alarm.kind is AlarmKind.ROLLBACK:
        return (
            f"the ledger was put back: witness {alarm.witness} has cosigned {alarm.seen_size} entries, {proof},"
            f" and here are {alarm.own_size}"
        )
    return (
        f"the ledger has two histories: witness {alarm.witness} has cosigned {alarm.seen_size} entries that the"
        f" {alarm.own_size} here do not go on from, {proof}"
    )


def witness_checks(
    estate: Estate, settings: Settings, records: WitnessRecords, *, sealed: bool, problems: Mapping[str, str]
) -> Iterator[Check]:
    """Alarms fail; a witness that gives nothing, or none at all, is a warning."""
    for alarm in records.alarms:
        if alarm.stands:
            advice = f"{_ADVICE[alarm.kind]} Then: freehold witness clear {alarm.id} --reason TEXT"
            yield Check(name="witness", finding=Finding.FAIL, what=told(alarm), advice=advice)
    if not guarded(settings):
        advice = "Have it witnessed: docs/tasks/have-a-witness.md."
        yield Check(name="witness", finding=Finding.WARN, what=_UNSEEN, advice=advice)
    for name, section in settings.witnesses.items():
        last, problem = _of_key(records.seen.get(name), section.vkey), _SEALED if sealed else problems.get(name, "")
        if problem:
            advice = "It is asked again by itself; 'freehold witness list' shows what comes of it."
            yield Check(
                name="witness", finding=Finding.WARN, what=f"{name}: {problem}", advice="" if sealed else advice
            )
        elif last is None:
            what = f"{name} has cosigned nothing yet"
            yield Check(
                name="witness", finding=Finding.WARN, what=what, advice="'freehold witness list' shows when it has."
            )
        else:
            what = f"{name} cosigned {last.size} of {published_size(estate)} entries at {instant(last.at_unix)}"
            yield Check(name="witness", finding=Finding.OK, what=what)


def guarded(settings: Settings) -> bool:
    """Whether anybody but the estate itself would notice that its ledger was put back."""
    return bool(settings.witnesses or settings.ledger.anchor)


def published_size(estate: Estate) -> int:
    """Of the newest checkpoint; 0 where there is none that can be read."""
    try:
        return read_unverified((estate.ledger / layout.CHECKPOINT).read_bytes()).size
    except (OSError, VerificationFailed):
        return 0


def cosigned_checkpoint(estate: Estate, settings: Settings) -> TrustedCheckpoint | None:
    """The newest one that the witnesses' quorum has cosigned, as far as it holds."""
    if not settings.witnesses:
        return None
    try:
        vkey = estate.ledger_vkey.read_text(encoding="utf-8").strip()
        return policy_of(settings, vkey).open((estate.ledger / layout.COSIGNED).read_bytes())
    except (OSError, UnicodeDecodeError, OperatorError):
        return None


def _of_key(last: LastSeen | None, vkey: str) -> LastSeen | None:
    """What another key cosigned says nothing of this one."""
    return last if last is not None and last.vkey == vkey else None


def _last(last: LastSeen | None, size: int, now_unix: float) -> View:
    if last is None:
        return {"size": None, "at": None, "age_s": None, "lag": size}
    age_s = max(0, int(now_unix) - last.at_unix)
    return {"size": last.size, "at": instant(last.at_unix), "age_s": age_s, "lag": max(0, size - last.size)}
