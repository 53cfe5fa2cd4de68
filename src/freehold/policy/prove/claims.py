# SPDX-License-Identifier: Apache-2.0
"""Claims about the rules, proved or refuted. What is neither is not proved; nothing is shown unless Cedar agrees."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from freehold.contract.estate import Estate
from freehold.contract.law import Law
from freehold.errors import ClaimInvalid, ClaimNotProved
from freehold.policy.cedar import Rule, read_rules
from freehold.policy.facts import Register
from freehold.policy.load import day_of, groups_of
from freehold.policy.prove.claim import Claim, parse_claim
from freehold.policy.prove.counterexample import Counterexample
from freehold.policy.prove.messages import Asked, Found, Question, Request
from freehold.policy.prove.prover import ask_prover
from freehold.policy.prove.request import is_ruled_out, ruling_on
from freehold.policy.text import Groups

_CLAIMS_FILE: Final = "claims.txt"
_PLACE: Final = f"policies/{_CLAIMS_FILE}"
_COMMENT: Final = re.compile(r"""^((?:"[^"]*"|'[^']*'|[^#"'])*)#.*""")  # not within quotes
_CLAIM_LIMIT_S: Final = 10.0
_BESIDE_CLAIMS_S: Final = 20.0  # encoding the rules, and making counterexamples plain
_MEMORY_BYTES: Final = 2 * 2**30  # of address space, of which z3 uses little
_NO_PROVIDER: Final = "no provider is permitted at all"
_NO_PROVIDER_FOR_THESE: Final = "no provider is permitted for the calls that it speaks of"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One claim judged. ``vacuous``: it holds only because no provider is permitted, whatever it says of them."""

    claim: Claim
    proved: bool
    vacuous: bool = False
    counterexample: Counterexample | None = None
    why: str = ""  # why vacuous, or why neither proved nor refuted

    @property
    def answer(self) -> str:
        """``proved``, ``broken`` or ``not proved``: the last where it could not be told."""
        return "proved" if self.proved else "broken" if self.counterexample else "not proved"

    @property
    def lines(self) -> list[str]:
        """The verdict as a person reads it: a line, and one for each fact of what breaks the claim."""
        place = f"{self.claim.place}: " if self.claim.place else ""
        head = f"{place}{self.answer}: {self.claim.text}" + (f" ({self.why})" if self.why else "")
        return [head, *(f"  {line}" for line in (self.counterexample.lines if self.counterexample else ()))]


def require_claims(text: str, register: Register, law: Law, *, now_unix: float) -> None:
    """Raise ClaimNotProved unless the law keeps every claim of a claims file; ClaimInvalid, PolicyNotProvable. Blocks.

    For whoever is about to put the law in force, which was made with these facts. An empty text claims nothing.
    """
    if not text:
        return
    groups = groups_of(register, day_of(now_unix))
    broken = [verdict for verdict in check_claims(law, text, groups, now_unix=now_unix) if not verdict.proved]
    if broken:
        raise ClaimNotProved("\n".join(line for verdict in broken for line in verdict.lines))


def claims_text(estate: Estate) -> str:
    """The estate's claims file; empty if there is none. Raises ClaimInvalid."""
    path = estate.policies / _CLAIMS_FILE
    try:
        return path.read_text(encoding="utf-8") if path.exists() else ""
    except (OSError, UnicodeDecodeError) as exc:
        raise ClaimInvalid(f"{_PLACE}: cannot be read as UTF-8 text") from exc


def check_claims(law: Law, text: str, groups: Groups, *, now_unix: float) -> list[Verdict]:
    """Judge every claim of a claims file. Raises ClaimInvalid, PolicyNotProvable. Blocks."""
    return prove(law, read_claims(text, groups), now_unix=now_unix)


def read_claims(text: str, groups: Groups) -> list[Claim]:
    """One claim a line; ``#`` begins a comment. Raises ClaimInvalid with file and line."""
    lines = ((number, _COMMENT.sub(r"\1", line).strip()) for number, line in enumerate(text.split("\n"), start=1))
    return [parse_claim(line, groups, place=f"{_PLACE}:{number}") for number, line in lines if line]


def prove(
    law: Law, claims: Sequence[Claim], *, now_unix: float, claim_limit_s: float = _CLAIM_LIMIT_S
) -> list[Verdict]:
    """Judge claims about a law. Raises PolicyNotProvable. Blocks."""
    if not claims:
        return []
    question = Question(
        files=law.files,
        states=law.states,
        claims=tuple(Asked(subject=claim.subject, condition=claim.condition) for claim in claims),
        now_unix=int(now_unix),
        claim_limit_s=claim_limit_s,
        limit_s=_BESIDE_CLAIMS_S + claim_limit_s * len(claims),
        memory_bytes=_MEMORY_BYTES,
    )
    answer = ask_prover(question)
    if isinstance(answer, str):
        return [Verdict(claim=claim, proved=False, why=answer) for claim in claims]
    rules = read_rules(law.files)
    return [_verdict(claim, found, rules, law) for claim, found in zip(claims, answer.found, strict=True)]


def _verdict(claim: Claim, found: Found, rules: Sequence[Rule], law: Law) -> Verdict:
    if found.request is not None:
        return Verdict(claim=claim, proved=False, counterexample=_confirmed(claim, found.request, rules, law))
    if not found.proved:
        return Verdict(claim=claim, proved=False, why="the time was not enough to tell")
    why = _NO_PROVIDER if found.no_provider else _NO_PROVIDER_FOR_THESE if found.no_provider_for_these else ""
    return Verdict(claim=claim, proved=True, vacuous=bool(why), why=why)


def _confirmed(claim: Claim, request: Request, rules: Sequence[Rule], law: Law) -> Counterexample:
    """The request, once Cedar has permitted it and found that the claim rules it out: else the encoding is wrong."""
    ruling = ruling_on(request, rules, law)
    if not ruling.allowed or not is_ruled_out(request, claim.cedar, law):
        raise RuntimeError(f"Cedar does not agree with the prover about {claim.text!r}: {request}")
    permitting = [rule for rule in rules if rule.id in ruling.rules]
    return Counterexample(
        request=request,
        permitted_by=tuple(rule.id for rule in permitting),
        places=tuple(f"{rule.file}, line {rule.line}" for rule in permitting),
    )
