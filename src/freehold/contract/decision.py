# SPDX-License-Identifier: Apache-2.0
"""The outcome of asking "may they?": allow or refuse, per target, with the rules that decided."""

from dataclasses import dataclass, field

from freehold.contract.value import value


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One target, and why. ``rules`` are the ids of the rules that determined it, sorted."""

    target: str
    allowed: bool
    rules: tuple[str, ...]


@value
class Decision:
    """Every target of a service judged for one call, in the service's order of preference."""

    id: str
    verdicts: tuple[Verdict, ...]
    policy_digest: str
    facts_digest: str
    allowed: tuple[str, ...] = field(init=False)
    """Names of the targets that may see the call, in order of preference. Empty means refused."""

    def __post_init__(self) -> None:
        allowed = tuple([verdict.target for verdict in self.verdicts if verdict.allowed])
        object.__setattr__(self, "allowed", allowed)
