# SPDX-License-Identifier: Apache-2.0
"""What is said to the prover's process, and what it answers: one JSON document each way."""

from dataclasses import dataclass

from freehold.contract.law import RuleFile
from freehold.policy.judge import Application, Backend, Circumstances


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One claim, as two Cedar expressions: no request may be permitted for which both hold."""

    subject: str  # the calls that it speaks of: data class, service, purpose
    condition: str  # what it says of the backend


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """May any request be permitted that a claim rules out?"""

    files: tuple[RuleFile, ...]
    states: tuple[str, ...]  # every state there is: what is unknown is all of them
    claims: tuple[Asked, ...]
    now_unix: int  # the time that a counterexample has unless another is needed
    claim_limit_s: float
    limit_s: float  # for all of it
    memory_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, in the words in which every request is judged."""

    application: Application
    backend: Backend
    circumstances: Circumstances


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The answer to one claim. Neither proved nor refuted: the time was not enough."""

    proved: bool = False
    request: Request | None = None  # permitted, and ruled out by the claim
    no_provider: bool = False  # proved, but only because none but owned backends may see any call
    no_provider_for_these: bool = False  # the same for the calls that the claim speaks of


@dataclass(frozen=True, slots=True, kw_only=True)
class NotCovered:
    """A construct that the encoder does not know."""

    rule: str
    place: str  # its file and line
    construct: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """``found`` in the order of the claims; empty if the rules cannot be encoded, and then ``not_covered`` says why."""

    found: tuple[Found, ...] = ()
    not_covered: NotCovered | None = None
