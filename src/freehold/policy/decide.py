# SPDX-License-Identifier: Apache-2.0
"""The decision: every target of the service against every rule. Pure; what was decided once is remembered.

What a verdict depends on is finite: the key, or only the services that it lists where no rule names a key; the service
with its purpose; the data class; and the time, as far as rules compare it with some instants. Only where a rule does
more with the time is every call judged anew.
"""

from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache

from freehold.contract.backend import BackendKind, Service, Target
from freehold.contract.call import Call, DataClass
from freehold.contract.decision import Decision, Verdict
from freehold.contract.facts import BackendFacts
from freehold.contract.law import RuleFile
from freehold.contract.snapshot import ApiKey, Snapshot
from freehold.policy.cedar import Rule, read_rules
from freehold.policy.judge import Application, Backend, Circumstances, Judge
from freehold.policy.trees import instants, names_key
from freehold.policy.unknown import nothing_known

_KEPT = 65536  # verdicts; a key that is made for each call must not fill the memory
_ALWAYS = 0


class Policy:
    """The rules over one snapshot's keys, services and targets. A new snapshot gets a new ``Policy``."""

    def __init__(self, snapshot: Snapshot) -> None:
        law = snapshot.law
        reading = _read(law.files)
        self._judge = Judge(reading.rules, backends_of(snapshot), law.states)
        self._digests = (law.policy_digest, law.facts_digest)
        self._by_key, self._instants = reading.by_key, reading.instants
        self._verdicts: dict[tuple[object, str, DataClass, int], tuple[Verdict, ...]] = {}

    def decide(
        self, call: Call, *, key: ApiKey, service: Service, targets: tuple[Target, ...], at_unix: int
    ) -> Decision:
        """Judge every target, in the order given. Nothing is allowed that no rule permits."""
        policy_digest, facts_digest = self._digests
        return Decision(
            id=f"dec_{call.id.removeprefix('call_')}",
            verdicts=self._verdicts_on(call, key, service, targets, at_unix),
            policy_digest=policy_digest,
            facts_digest=facts_digest,
        )

    def allows(  # noqa: PLR0913 - what is decided by, and whom it is asked of
        self, target: str, call: Call, *, key: ApiKey, service: Service, targets: tuple[Target, ...], at_unix: int
    ) -> bool:
        """Whether ``decide`` would allow this one."""
        verdicts = self._verdicts_on(call, key, service, targets, at_unix)
        for verdict in verdicts:
            if verdict.target == target:
                return verdict.allowed
        return False

    def _verdicts_on(
        self, call: Call, key: ApiKey, service: Service, targets: tuple[Target, ...], at_unix: int
    ) -> tuple[Verdict, ...]:
        instants = self._instants
        if instants is None:
            return self._judged(call, key, service, targets, at_unix)
        span = bisect_right(instants, at_unix) if instants else _ALWAYS
        known = (key.id if self._by_key else key.services, service.name, call.data_class, span)
        verdicts = self._verdicts.get(known)
        if verdicts is None:
            if len(self._verdicts) >= _KEPT:
                self._verdicts.clear()
            verdicts = self._verdicts[known] = self._judged(call, key, service, targets, at_unix)
        return verdicts

    def _judged(
        self, call: Call, key: ApiKey, service: Service, targets: tuple[Target, ...], at_unix: int
    ) -> tuple[Verdict, ...]:
        application = Application(key=key.id, services=key.services)
        circumstances = Circumstances(
            service=service.name, purpose=service.purpose, data_class=call.data_class, at_unix=at_unix
        )
        rulings = [(target.name, self._judge.judge(application, target.name, circumstances)) for target in targets]
        return tuple(Verdict(target=name, allowed=ruling.allowed, rules=ruling.rules) for name, ruling in rulings)


def backends_of(snapshot: Snapshot) -> tuple[Backend, ...]:
    """Who stands behind each target. An operator that no fact is about is unknown in everything."""
    facts = {known.operator: known for known in snapshot.law.facts}
    return tuple(
        Backend(
            name=target.name,
            facts=_credible(target, facts.get(target.operator, nothing_known(target.operator))),
            licence=target.licence,
        )
        for target in snapshot.targets
    )


def _credible(target: Target, facts: BackendFacts) -> BackendFacts:
    """Only an engine is owned, whatever is said of its operator."""
    return facts if target.kind is BackendKind.ENGINE or not facts.owned else nothing_known(target.operator)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """The rules, and what verdicts depend on by them."""

    rules: tuple[Rule, ...]
    by_key: bool
    instants: tuple[int, ...] | None  # at which a rule may change its mind, in order; None: at any


@lru_cache(maxsize=2)
def _read(files: tuple[RuleFile, ...]) -> _Reading:
    """Once for the many snapshots that have the same."""
    rules = read_rules(files)
    edges = [instants(rule.tree) for rule in rules]
    return _Reading(
        rules=rules,
        by_key=any(names_key(rule.tree) for rule in rules),
        instants=None if None in edges else tuple(sorted({at for of_rule in edges if of_rule for at in of_rule})),
    )
