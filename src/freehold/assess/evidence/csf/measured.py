# SPDX-License-Identifier: Apache-2.0
"""What the estate itself shows about a criterion: a step that it reaches, and one that it cannot exceed. Pure.

A bound needs something that is known. What nobody established bounds nothing: the question is then asked, and counts at
the worst step until somebody answers it. A bound never makes an answer better than the person gave it.

Which step a finding stands for is this release's derivation from the framework, and said so in the report. It rests on
these readings: control from outside the EU is SEAL-1 in SOV-1 q1; an EU subsidiary with contract clauses is SEAL-1 in
SOV-2 q2; a provider computes on what it can read; the top of SOV-3 q1 is that the customer alone has the keys.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from freehold.assess.evidence.answers import OWN
from freehold.assess.evidence.picture import Backend, Evidence, Kind, Picture, Served
from freehold.assess.evidence.wording import counted
from freehold.contract.facts import UNKNOWN, Reason
from freehold.policy.facts import EXPOSURE

_NO_BOUND: Final = 99
_EXPORT_CONTROL: Final = "US-EAR"
_FREE: Final = frozenset({"Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """Steps, from 0 for the worst. ``why`` is what it rests on."""

    criterion: str
    least: int = 0
    most: int = _NO_BOUND
    why: tuple[Evidence, ...]


def measured(picture: Picture, served: Served, backend: Backend) -> Mapping[str, Bound]:
    """By criterion; several findings about one are put together, each held to the other."""
    found: dict[str, Bound] = {}
    for bound in _owned(picture, backend) if backend.owned else _foreign(picture, served, backend):
        before = found.get(bound.criterion)
        found[bound.criterion] = bound if before is None else _both(before, bound)
    return found


def _both(one: Bound, other: Bound) -> Bound:
    most = min(one.most, other.most)
    least = min(max(one.least, other.least), most)
    return Bound(criterion=one.criterion, least=least, most=most, why=(*one.why, *other.why))


def _owned(picture: Picture, backend: Backend) -> Iterator[Bound]:
    """An engine of the estate, on a machine of whoever runs the estate."""
    if picture.region and picture.region not in picture.eu:
        says = f"the estate's operator is in {picture.region}, which is no member state"
        seat = Evidence(kind=Kind.FILE, where="freehold.toml, [estate] region", says=says, as_of=picture.at)
        for criterion in ("SOV-1.q1", "SOV-2.q1"):
            yield Bound(criterion=criterion, most=1, why=(seat,))
        yield Bound(criterion="SOV-2.q2", most=2, why=(seat,))
    if picture.keys and all(key.alone for key in picture.keys):
        says = f"{len(picture.keys)} private keys lie there, for their owner alone; whose machine it is, a person knows"
        yield Bound(
            criterion="SOV-3.q1",
            least=3,
            why=(Evidence(kind=Kind.FILE, where="keys/", says=says, as_of=picture.at),),
        )
    yield from _on_record(picture)
    if backend.weights is not None:
        yield from _in_the_vault(backend, backend.weights)


def _on_record(picture: Picture) -> Iterator[Bound]:
    head = picture.ledger
    if head is None or not head.size:
        return
    where = f"{head.origin}, checkpoint of size {head.size}"
    calls = Evidence(
        kind=Kind.LEDGER,
        where=where,
        says="every call is admitted and closed in a signed log, with who asked and which model answered",
        as_of=head.newest_at,
    )
    yield Bound(criterion="SOV-3.q2", least=3, why=(calls,))
    yield Bound(criterion="SOV-7.q4", least=1, why=(calls,))
    erased = sum(head.erasures.get(act, 0) for act in ("call.forget", "salts.expire"))
    if erased:
        says = f"{erased} erasures are on record, each the destruction of a salt; the newest is {head.last_erasure}"
        shown = Evidence(kind=Kind.LEDGER, where=where, says=says, as_of=head.last_erasure_at)
        yield Bound(criterion="SOV-3.q3", least=3, why=(shown,))


def _in_the_vault(backend: Backend, weights: Evidence) -> Iterator[Bound]:
    yield Bound(criterion="SOV-4.q1", least=2, why=(weights,))
    if backend.licence not in _FREE:
        return
    says = (
        f"the licence of {backend.model} is {backend.licence}: nobody can take it back, and weights and engine are here"
    )
    free = Evidence(kind=Kind.FILE, where=weights.where, says=says, as_of=weights.as_of)
    yield Bound(criterion="SOV-1.q8", least=2, why=(free,))
    yield Bound(criterion="SOV-6.q3", least=2, why=(free,))


def _foreign(picture: Picture, served: Served, backend: Backend) -> Iterator[Bound]:
    """A provider: what is known of it can only speak against it. What is unknown is asked for."""
    facts = backend.facts
    outside = [r for r in facts.reasons if r.state != UNKNOWN and r.state not in picture.eu]
    control = tuple(_fact(reason) for reason in outside if reason in backend.control)
    compelled = tuple(_fact(reason) for reason in outside if reason.rule not in EXPOSURE)
    exposed = tuple(_fact(reason) for reason in outside if reason.rule in EXPOSURE)
    if control:
        yield Bound(criterion="SOV-1.q1", most=1, why=control)
        yield Bound(criterion="SOV-2.q1", most=1, why=control)
        yield Bound(criterion="SOV-3.q5", most=2, why=control)
        yield from _cut_off(picture, served, backend, control)
    if compelled:
        yield Bound(criterion="SOV-2.q2", most=2, why=compelled)
        yield Bound(criterion="SOV-2.q3", most=3, why=compelled)
    if exposed:
        yield Bound(criterion="SOV-2.q2", most=3, why=exposed)
    if _EXPORT_CONTROL in backend.statutes:
        says = f"{_EXPORT_CONTROL}: {backend.statutes[_EXPORT_CONTROL]}"
        law = Evidence(kind=Kind.FACT, where=f"statutes.{_EXPORT_CONTROL}", says=says, as_of=facts.as_of)
        yield Bound(criterion="SOV-2.q4", most=1, why=(law,))
    yield from _terms(picture, backend)


def _terms(picture: Picture, backend: Backend) -> Iterator[Bound]:
    facts = backend.facts
    where = f"facts about {facts.operator}"
    says = f"{facts.operator} computes on what it can read, so the customer is not alone in having it"
    reads = Evidence(kind=Kind.FACT, where=where, says=says, as_of=facts.as_of or picture.at)
    yield Bound(criterion="SOV-3.q1", most=3, why=(reads,))
    places = sorted(set(facts.locations) - picture.eu - {UNKNOWN})
    if places:
        says = f"calls may be computed in {', '.join(places)}"
        yield Bound(
            criterion="SOV-3.q4",
            most=1,
            why=(Evidence(kind=Kind.FACT, where=where, says=says, as_of=facts.as_of),),
        )
    if facts.retention_days:
        says = f"what is sent is kept for up to {counted(facts.retention_days, 'day')}"
        kept = Evidence(kind=Kind.FACT, where=where, says=says, as_of=facts.as_of)
        yield Bound(criterion="SOV-3.q3", most=2, why=(kept,))


def _cut_off(picture: Picture, served: Served, backend: Backend, control: tuple[Evidence, ...]) -> Iterator[Bound]:
    """Whoever controls it from abroad can be told to stop. Only a drill shows that the service goes on all the same."""
    owned = [name for name in served.may_answer if picture.backends[name].owned and name not in served.unqualified]
    drills = [d for d in picture.drills if d.service == served.name and backend.name in d.hit and not d.simulated]
    newest = max(drills, key=lambda drill: drill.began, default=None)
    if owned and newest is not None and newest.passed:
        says = f"{newest.scenario} took {backend.name} away, and {served.name} met its objectives ({newest.digest})"
        shown = Evidence(kind=Kind.DRILL, where=f"drills/{newest.id}.json", says=says, as_of=newest.began)
        yield Bound(criterion="SOV-1.q8", most=3, why=(*control, shown))
        return
    lacks = "no engine of the estate may stand in for it" if not owned else "no drill on it was passed"
    says = f"{served.name} may be answered by {backend.name}, and {lacks}"
    untried = Evidence(kind=Kind.FILE, where="freehold.toml and drills/", says=says, as_of=picture.at)
    yield Bound(criterion="SOV-1.q8", most=1, why=(*control, untried))


def _fact(reason: Reason) -> Evidence:
    says = f"{reason.because} ({reason.confidence})"
    return Evidence(kind=Kind.FACT, where=reason.source, says=says, as_of=reason.as_of)


def subject_of(backend: Backend) -> str:
    """Whom an answer about a backend is about: its provider, or the estate itself."""
    return OWN if backend.owned else backend.operator
