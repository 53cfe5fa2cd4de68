# SPDX-License-Identifier: Apache-2.0
"""The default rule set: owned engines only, for keys that list the service. Forbid beats permit, silence is no."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from freehold.contract.backend import BackendKind, Service, Target
from freehold.contract.call import DataClass
from freehold.contract.snapshot import ApiKey


class Effect(StrEnum):
    """What a rule does where it holds."""

    PERMIT = "permit"
    FORBID = "forbid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """May this target see a call of this class, made with this key for this service?"""

    key: ApiKey
    service: Service
    data_class: DataClass
    target: Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. ``text`` is what it says, to people and to the digest of the set."""

    id: str
    effect: Effect
    text: str
    holds: Callable[[Question], bool]


DEFAULT_DENY = "default-deny"  # the id on record where no rule permits

RULES: tuple[Rule, ...] = (
    Rule(
        id="owned-engines",
        effect=Effect.PERMIT,
        text="permit a target that is an engine which this estate itself operates",
        holds=lambda asked: asked.target.kind is BackendKind.ENGINE and asked.target.operator == "self",
    ),
    Rule(
        id="key-lists-service",
        effect=Effect.FORBID,
        text="forbid a service that the key does not list",
        holds=lambda asked: not {"*", asked.service.name} & set(asked.key.services),
    ),
)
