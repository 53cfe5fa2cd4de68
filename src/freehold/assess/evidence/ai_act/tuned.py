# SPDX-License-Identifier: Apache-2.0
"""The compute that models of the vault were tuned with, held against a third of what the originals took. Pure.

The guideline is about whoever modifies a model; what is not known is asked for, and never taken to be little.
"""

from dataclasses import dataclass
from enum import StrEnum

from freehold.assess.evidence.ai_act.rules import Tuning
from freehold.assess.evidence.picture import Evidence, Kind, VaultModel
from freehold.assess.evidence.questions import MODEL, Asked, Told, said


class Verdict(StrEnum):
    """What the guideline makes of a model."""

    UNTRAINED = "not trained here"
    BELOW = "below a third"
    ABOVE = "above a third"
    UNKNOWN = "not known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """One model. Compute is in FLOP; None: not known. ``threshold_from`` says what the threshold is a third of."""

    model: str
    came_from: str
    made: str
    parameters: int
    tuning_flop: float | None
    original_flop: float | None
    threshold_flop: float
    threshold_from: str
    share_pct: float | None  # of the threshold
    verdict: Verdict
    evidence: tuple[Evidence, ...]
    missing: tuple[Asked, ...]


def tuned(model: VaultModel, rules: Tuning, told: Told) -> Tuned:
    """A model that was only requantised or converted, or came as its publisher made it, was not trained here."""
    about = f"{MODEL}{model.name}"
    untrained, evidence = _untrained(model, rules)
    flop, missing = _compute(model, rules, told, untrained=untrained)
    threshold, origin, original = _threshold(rules, told, about)
    questions = ("AIA.trained", "AIA.tuning-flop", "AIA.tuning-tokens", "AIA.original-flop", "AIA.systemic")
    answers = tuple(said(answer) for name in questions if (answer := told.of(name, about)))
    return Tuned(
        model=model.name,
        came_from=model.came_from,
        made=model.made,
        parameters=model.parameters,
        tuning_flop=flop,
        original_flop=original,
        threshold_flop=threshold,
        threshold_from=origin,
        share_pct=None if flop is None else round(flop / threshold * 100, 4),
        verdict=_verdict(flop, threshold),
        evidence=(*evidence, *answers),
        missing=missing,
    )


def _untrained(model: VaultModel, rules: Tuning) -> tuple[bool, tuple[Evidence, ...]]:
    if model.parents:
        says = f"{model.name} is {', '.join(model.parents)}, {model.made}"
        untrained = model.made.split(" ", 1)[0] in rules.no_training
    else:
        says = f"{model.name} is as it came from {model.came_from}, {model.digest}"
        untrained = model.published
    return untrained, (Evidence(kind=Kind.FILE, where="vault", says=says, as_of=model.imported_at),)


def _compute(
    model: VaultModel, rules: Tuning, told: Told, *, untrained: bool
) -> tuple[float | None, tuple[Asked, ...]]:
    """As somebody said it, else out of parameters and tokens, else none where nothing was trained. Else it is asked."""
    about = f"{MODEL}{model.name}"
    flop, tokens = told.value("AIA.tuning-flop", about), told.value("AIA.tuning-tokens", about)
    if flop:
        return float(flop), ()
    if tokens and model.parameters:
        return rules.flop_per_parameter_and_token * model.parameters * float(tokens), ()
    trained = told.value("AIA.trained", about) or ("no" if untrained else "")
    if trained == "no":
        return 0.0, ()
    if not trained:
        return None, (told.asked("AIA.trained", about),)
    return None, (told.asked("AIA.tuning-tokens" if model.parameters else "AIA.tuning-flop", about),)


def _threshold(rules: Tuning, told: Told, about: str) -> tuple[float, str, float | None]:
    original = told.value("AIA.original-flop", about)
    if original:
        return float(original) / rules.share, "the original's training compute, as asserted", float(original)
    if told.value("AIA.systemic", about) == "yes":
        return rules.systemic_flop / rules.share, f"{rules.systemic_flop:.0e} FLOP: systemic risk, as asserted", None
    return rules.gpai_flop / rules.share, f"{rules.gpai_flop:.0e} FLOP: the original's compute is not known", None


def _verdict(flop: float | None, threshold: float) -> Verdict:
    if flop is None:
        return Verdict.UNKNOWN
    if not flop:
        return Verdict.UNTRAINED
    return Verdict.ABOVE if flop > threshold else Verdict.BELOW
