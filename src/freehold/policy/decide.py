# SPDX-License-Identifier: Apache-2.0
"""The decision: every target of the service against every rule. Pure; what was decided once is remembered."""

import hashlib

from freehold.contract.backend import Service, Target
from freehold.contract.call import Call, DataClass
from freehold.contract.decision import Decision, Verdict
from freehold.contract.snapshot import ApiKey
from freehold.policy.rules import DEFAULT_DENY, RULES, Effect, Question, Rule


class Policy:
    """The rules over one snapshot's keys, services and targets. A new snapshot gets a new ``Policy``."""

    def __init__(self, rules: tuple[Rule, ...] = RULES) -> None:
        self._rules = rules
        self._digests = (rules_digest(rules), facts_digest())
        self._verdicts: dict[tuple[str, str, DataClass], tuple[Verdict, ...]] = {}

    def decide(self, call: Call, *, key: ApiKey, service: Service, targets: tuple[Target, ...]) -> Decision:
        """Judge every target, in the order given. Nothing is allowed that no rule permits."""
        known = (key.id, service.name, call.data_class)
        verdicts = self._verdicts.get(known)
        if verdicts is None:
            asked = (
                Question(key=key, service=service, data_class=call.data_class, target=target) for target in targets
            )
            verdicts = self._verdicts[known] = tuple(_judge(question, self._rules) for question in asked)
        policy_digest, facts = self._digests
        return Decision(
            id=f"dec_{call.id.removeprefix('call_')}",
            verdicts=verdicts,
            policy_digest=policy_digest,
            facts_digest=facts,
        )


def _judge(question: Question, rules: tuple[Rule, ...]) -> Verdict:
    holding = [rule for rule in rules if rule.holds(question)]
    forbidding = sorted(rule.id for rule in holding if rule.effect is Effect.FORBID)
    permitting = sorted(rule.id for rule in holding if rule.effect is Effect.PERMIT)
    return Verdict(
        target=question.target.name,
        allowed=bool(permitting) and not forbidding,
        rules=tuple(forbidding or permitting or [DEFAULT_DENY]),
    )


def rules_digest(rules: tuple[Rule, ...] = RULES) -> str:
    """SHA-256 over what the rules say, so that a decision names the set that made it."""
    return _digest("\n".join(f"{rule.id}: {rule.effect}: {rule.text}" for rule in rules))


def facts_digest() -> str:
    """SHA-256 over the facts that the rules looked at. The default rules look at none but the targets themselves."""
    return _digest("")


def _digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
