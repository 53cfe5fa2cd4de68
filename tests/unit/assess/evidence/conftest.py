# SPDX-License-Identifier: Apache-2.0
"""Pictures of estates, as evidence is drawn from them."""

from collections.abc import Callable

import pytest

from freehold.assess.evidence.answers import Answer
from freehold.assess.evidence.picture import (
    Backend,
    Busiest,
    DrillDone,
    Evidence,
    Foresight,
    KeyFile,
    Kind,
    LedgerHead,
    Picture,
    Recipient,
    Seen,
    Served,
    VaultModel,
)
from freehold.contract.facts import UNKNOWN, BackendFacts, Confidence, Reason
from freehold.policy.facts import owned_facts

EU = frozenset({"DE", "FR", "IE"})
AT = "2026-11-23T00:00:00Z"
SOURCE = "https://example.org/register"
Paint = Callable[..., Picture]


def reason(state: str, rule: str = "operator") -> Reason:
    return Reason(
        state=state,
        because=f"Example has its seat in {state}",
        rule=rule,
        source=SOURCE,
        as_of="2026-08-05",
        confidence=Confidence.CONFIRMED,
    )


def engine(name: str = "local", licence: str = "Apache-2.0") -> Backend:
    weights = Evidence(kind=Kind.FILE, where="vault", says="smol, sha256:1", as_of="2026-11-01T00:00:00Z")
    return Backend(
        name=name, operator="self", model="smol", licence=licence, weights=weights, facts=owned_facts(), statutes={}
    )


def foreign(name: str, *reasons: Reason, locations: tuple[str, ...] = ("FR",), days: int | None = 0) -> Backend:
    facts = BackendFacts(
        operator=name,
        owned=False,
        authorities=tuple(sorted({r.state for r in reasons})),
        locations=locations,
        retention_days=days,
        trains=False,
        reasons=reasons,
        as_of="2026-08-05",
    )
    control = tuple(r for r in reasons if r.rule in ("operator", "parent"))
    statutes = {"US-EAR": "15 CFR 730-774"} if "US" in facts.authorities else {}
    return Backend(
        name=name, operator=name, model="big", licence="", weights=None, facts=facts, statutes=statutes, control=control
    )


def served(*may: str, name: str = "support", unqualified: tuple[str, ...] = ()) -> Served:
    return Served(name=name, data_class="internal", may_answer=may, may_not=(), unqualified=unqualified)


def drill(*hit: str, passed: bool = True, simulated: tuple[str, ...] = (), per_minute: float = 600) -> DrillDone:
    return DrillDone(
        id="drill_4b1f0c27a9d3",
        scenario="june-2026",
        service="support",
        began="2026-11-22T10:00:00Z",
        passed=passed,
        digest="sha256:2",
        hit=frozenset(hit),
        simulated=frozenset(simulated),
        calls=30,
        duration_s=3,
        per_minute=per_minute,
        answered_by=frozenset({"local"}),
        objectives=("rto_s 30: found 0.4, held",),
    )


def recipient(name: str, state: str, does: str = "operates it") -> Recipient:
    return Recipient(
        name=name, does=does, state=state, source=SOURCE, as_of="2026-08-05", confidence=Confidence.CONFIRMED
    )


def seen(target: str, data_class: str = "personal", service: str = "support", calls: int = 3) -> Seen:
    return Seen(service=service, data_class=data_class, target=target, calls=calls, first_at=AT, last_at=AT)


def model(
    name: str = "smol", *parents: str, made: str = "", published: bool = True, parameters: int = 10
) -> VaultModel:
    return VaultModel(
        name=name,
        digest="sha256:1",
        came_from="pkg:smol 1.0" if published else "/mnt/smol.gguf",
        published=published,
        parameters=parameters,
        licence="Apache-2.0",
        parents=parents,
        made=made,
        imported_at="2026-11-01T00:00:00Z",
    )


def told(question: str, value: str, about: str = "self") -> Answer:
    return Answer(id=question, about=about, value=value, by="A. Weber", source="a contract", at=AT)


def answered(criterion: str, step: int, about: str = "self", by: str = "A. Weber") -> Answer:
    return Answer(id=criterion, about=about, value=str(step), by=by, source="a contract", at=AT)


NOBODY_KNOWS = reason(UNKNOWN, "unknown")


@pytest.fixture
def paint() -> Paint:
    def made(
        *backends: Backend,
        services: tuple[Served, ...] | None = None,
        answers: tuple[Answer, ...] = (),
        drills: tuple[DrillDone, ...] = (),
        erasures: int = 0,
        head: bool = True,
        keys_alone: bool = True,
        region: str = "",
        seen: tuple[Seen, ...] = (),
        busiest: tuple[Busiest, ...] = (),
        models: tuple[VaultModel, ...] = (),
        foresight: Foresight | None = None,
    ) -> Picture:
        ledger = LedgerHead(
            origin="freehold.local/test",
            size=7,
            root="00",
            newest_at=AT,
            erasures={"call.forget": erasures} if erasures else {},
            last_erasure="freehold.local/test/6" if erasures else "",
            last_erasure_at=AT if erasures else "",
            answered={"acme": 3, "local": 1},
            oldest_at=AT,
            seen=seen,
            busiest=busiest,
        )
        return Picture(
            at=AT,
            origin="freehold.local/test",
            region=region,
            set="open",
            policy_digest="sha256:3",
            facts_digest="sha256:4",
            services=services if services is not None else (served(*(b.name for b in backends)),),
            backends={b.name: b for b in backends},
            keys=(KeyFile(place="keys/ledger.key", alone=keys_alone),),
            ledger=ledger if head else None,
            salts_kept_days=183,
            witnesses=(),
            drills=drills,
            eu=EU,
            eea=EU,
            models=models,
            foresight=foresight or Foresight(),
            answers=answers,
            answers_digest="sha256:5" if answers else "",
        )

    return made
