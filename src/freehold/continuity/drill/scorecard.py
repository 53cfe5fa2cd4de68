# SPDX-License-Identifier: Apache-2.0
"""From what was observed and what is on record to the scorecard and its verdict. Pure.

A call that was shed, or that policy refused, was not answered: it is counted apart, and held against the objective all
the same. What cannot be known is None, never a zero.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from math import ceil
from statistics import median

import msgspec

from freehold.continuity.drill.observed import Fate, Observed
from freehold.continuity.drill.records import Record
from freehold.continuity.drill.scenario import Move, Verb
from freehold.continuity.drill.traffic import Planned

FORMAT = 1
_NOTICE_S = 1.0  # within which every gateway has a directive


class Objectives(msgspec.Struct, frozen=True, kw_only=True):
    """What the service states. None: nothing."""

    rto_s: float
    max_lost: int
    min_acceptance: float | None = None


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """The calls of the drill, each in exactly one place."""

    made: int
    answered: int
    broken: int
    lost: int
    shed: int
    refused: int

    @property
    def not_answered(self) -> int:
        return self.made - self.answered


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """One objective, what was found, and whether it holds. ``found`` is None where it could not be found out."""

    objective: str
    stated: float
    found: float | None
    holds: bool


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """One second of the drill. Calls stand in the second in which they began."""

    at_s: int
    began: int
    answered: dict[str, int]  # by the target that ended the answer
    not_answered: int
    waiting: int  # calls that had begun and had nothing of their answer yet, at the most


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the scenario as it was made."""

    at_s: float
    what: str
    targets: tuple[str, ...]


class Scorecard(msgspec.Struct, frozen=True, kw_only=True):
    """The whole result of a drill. Durations are in seconds."""

    format: int = FORMAT
    id: str
    scenario: str
    about: str
    scenario_sha256: str
    service: str
    simulated: tuple[str, ...]  # targets that stood in for providers
    traffic: str
    began: str  # RFC 3339
    duration_s: float
    calls: Counts
    errors: dict[str, int]  # of the calls that were not answered, by code
    seams: int
    characters_checked: int  # calls whose text is known beforehand
    characters_missing: int | None
    characters_repeated: int | None
    tool_calls: int
    tool_calls_doubled: int
    policy_violations: int
    answered_by_another_model: int
    recovery_p50_s: float | None
    recovery_p99_s: float | None
    recovery_longest_s: float | None
    never_recovered: int
    added_first_s: float | None
    longest_gap_s: float | None
    waiting_peak: int
    acceptance_before: float | None
    acceptance_after: float | None
    verdict: tuple[Held, ...]
    passed: bool
    happened: tuple[Happened, ...]
    seconds: tuple[Slice, ...]


class Drilled(msgspec.Struct, frozen=True, kw_only=True):
    """All that a scorecard is made from."""

    id: str
    scenario: str
    about: str
    scenario_sha256: str
    service: str
    traffic: str
    began: str
    began_unix: float
    duration_s: float
    moves: tuple[Move, ...]  # with the times at which they were made
    planned: tuple[Planned, ...]
    observed: tuple[Observed, ...]
    records: Mapping[str, Record]  # by call id
    objectives: Objectives
    acceptance: Mapping[str, float]  # share passed, by target, where it is on record
    known_texts: Mapping[str, str] = {}  # by prompt: what simulated targets say to it
    simulated: tuple[str, ...] = ()


def score(drill: Drilled) -> Scorecard:
    """The scorecard of a drill that was run to its end."""
    counts, recovery = _counts(drill.observed), _recovery(drill)
    longest = None if recovery.never or not recovery.took_s else max(recovery.took_s)
    text = _text_differences(drill)
    before, after = _acceptance(drill)
    verdict = _verdict(drill.objectives, counts, recovery, longest, after)
    gaps = [gap for seen in drill.observed for gap in seen.gaps_s]
    return Scorecard(
        id=drill.id,
        scenario=drill.scenario,
        about=drill.about,
        scenario_sha256=drill.scenario_sha256,
        service=drill.service,
        simulated=drill.simulated,
        traffic=drill.traffic,
        began=drill.began,
        duration_s=round(drill.duration_s, 3),
        calls=counts,
        errors=dict(Counter(seen.error or "no_answer" for seen in drill.observed if seen.fate is not Fate.ANSWERED)),
        seams=sum(len(seen.seams) for seen in drill.observed),
        characters_checked=text.checked,
        characters_missing=text.missing if text.checked else None,
        characters_repeated=text.repeated if text.checked else None,
        tool_calls=sum(len(seen.calls) for seen in drill.observed),
        tool_calls_doubled=sum(max(0, len(seen.calls) - 1) for seen in drill.observed if seen.tool),
        policy_violations=_violations(drill),
        answered_by_another_model=sum(record.another_model for record in drill.records.values()),
        recovery_p50_s=_rounded(percentile(recovery.took_s, 0.5)),
        recovery_p99_s=_rounded(percentile(recovery.took_s, 0.99)),
        recovery_longest_s=_rounded(longest),
        never_recovered=recovery.never,
        added_first_s=_rounded(_added_first(drill)),
        longest_gap_s=_rounded(max(gaps, default=None)),
        waiting_peak=max((_waiting(drill.observed, at_s) for at_s in _beginnings(drill)), default=0),
        acceptance_before=before,
        acceptance_after=after,
        verdict=verdict,
        passed=all(held.holds for held in verdict),
        happened=tuple(
            Happened(at_s=round(move.at_s, 3), what=move.said, targets=move.targets) for move in drill.moves
        ),
        seconds=_seconds(drill),
    )


def percentile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that so large a share does not exceed; None of nothing."""
    ordered = sorted(values)
    return ordered[max(0, ceil(share * len(ordered)) - 1)] if ordered else None


class _Recovery(msgspec.Struct, frozen=True):
    """How long it took until calls that met something were being answered."""

    took_s: tuple[float, ...]
    never: int  # calls after which nobody was answered any more


class _Differences(msgspec.Struct, frozen=True):
    """What is wrong with the texts that are known beforehand, in characters."""

    checked: int
    missing: int
    repeated: int


def _counts(observed: Sequence[Observed]) -> Counts:
    fates = Counter(seen.fate for seen in observed)
    return Counts(
        made=len(observed),
        answered=fates[Fate.ANSWERED],
        broken=fates[Fate.BROKEN],
        lost=fates[Fate.LOST],
        shed=fates[Fate.SHED],
        refused=fates[Fate.REFUSED],
    )


def _recovery(drill: Drilled) -> _Recovery:
    """Of every call that began while something was wrong, or whose answer has a seam.

    One that was answered took until its answer began, or the gap at its seam; one that was not, until the next call
    that was answered began to be.
    """
    answered = sorted((seen for seen in drill.observed if _is_answered(seen)), key=lambda seen: seen.began_s)
    took, never = [], 0
    for seen in drill.observed:
        if not _disturbed(drill.moves, seen.began_s) and not seen.seams and _is_answered(seen):
            continue
        if _is_answered(seen):
            took.append(max([seen.first_s - seen.began_s, *seen.seam_gaps_s]))
            continue
        after = next((later for later in answered if later.began_s >= seen.began_s), None)
        if after is None:
            never += 1
        else:
            took.append(after.first_s - seen.began_s)
    return _Recovery(tuple(took), never)


def _is_answered(seen: Observed) -> bool:
    return seen.fate is Fate.ANSWERED


def _disturbed(moves: Sequence[Move], at_s: float) -> bool:
    """Whether a fault or a directive is in force; one that is over at once, a crash, counts from then on."""
    faulted: set[str] = set()
    withdrawn: set[str] = set()
    for move in moves:
        if move.at_s > at_s:
            break
        match move.verb:
            case Verb.FAULT:
                faulted |= set(move.targets)
            case Verb.RESTORE:
                faulted -= set(move.targets)
            case Verb.DIRECTIVE:
                withdrawn |= set(move.targets)
            case Verb.LIFT:
                withdrawn -= set(move.targets)
    return bool(faulted or withdrawn)


def _added_first(drill: Drilled) -> float | None:
    """How much longer the median stream took to begin while something was wrong."""
    waits: dict[bool, list[float]] = {False: [], True: []}
    for seen in drill.observed:
        if seen.stream and _is_answered(seen):
            waits[_disturbed(drill.moves, seen.began_s)].append(seen.first_s - seen.began_s)
    return median(waits[True]) - median(waits[False]) if waits[True] and waits[False] else None


def _violations(drill: Drilled) -> int:
    """Calls that a target has seen which its decision forbade, or which a directive in force had withdrawn."""
    return sum(
        bool(set(record.seen_by) - record.allowed) or bool(record.seen_by and _was_withdrawn(drill, record))
        for record in drill.records.values()
    )


def _was_withdrawn(drill: Drilled, record: Record) -> bool:
    """Whether the call began when a directive had been in force for a while on the first target that answered it."""
    at_s = record.at_unix - drill.began_unix
    since: dict[str, float] = {}
    for move in drill.moves:
        if move.at_s > at_s:
            break
        for target in move.targets:
            if move.verb is Verb.DIRECTIVE:
                since.setdefault(target, move.at_s)
            elif move.verb is Verb.LIFT:
                since.pop(target, None)
    return any(target in since and at_s - since[target] > _NOTICE_S for target in record.seen_by)


def _text_differences(drill: Drilled) -> _Differences:
    """Of answers whose text is known: the whole of those that simulated targets gave, the beginning of others."""
    prompts = {planned.number: planned.prompt for planned in drill.planned}
    checked = missing = repeated = 0
    for seen in drill.observed:
        record, known = drill.records.get(seen.call_id), drill.known_texts.get(prompts[seen.number])
        if known is None or record is None or not record.seen_by or seen.tool or not _is_answered(seen):
            continue
        if record.seen_by[0] not in drill.simulated:
            continue
        checked += 1
        text = seen.text
        if not set(record.seen_by) <= set(drill.simulated):
            text = text[: seen.seams[-1][1]] if seen.seams else ""
            known = known[: len(text)]
        for what, begin, end, from_, to in SequenceMatcher(None, known, text, autojunk=False).get_opcodes():
            if what != "equal":
                missing, repeated = missing + end - begin, repeated + to - from_
    return _Differences(checked, missing, repeated)


def _acceptance(drill: Drilled) -> tuple[float | None, float | None]:
    """The share passed by who answered most while nothing was wrong; and the least by any who answered meanwhile."""
    calm: Counter[str] = Counter()
    later: set[str] = set()
    for seen in drill.observed:
        record = drill.records.get(seen.call_id)
        if record and record.seen_by and _is_answered(seen):
            if _disturbed(drill.moves, seen.began_s):
                later.add(record.seen_by[-1])
            else:
                calm[record.seen_by[-1]] += 1
    before = drill.acceptance.get(calm.most_common(1)[0][0]) if calm else None
    shares = [drill.acceptance.get(target) for target in later]
    known = [share for share in shares if share is not None]
    return before, min(known) if known and len(known) == len(shares) else None


def _verdict(
    objectives: Objectives, counts: Counts, recovery: _Recovery, longest: float | None, acceptance: float | None
) -> tuple[Held, ...]:
    stated = [
        Held(
            objective="max_lost",
            stated=objectives.max_lost,
            found=counts.not_answered,
            holds=counts.not_answered <= objectives.max_lost,
        ),
        Held(
            objective="rto_s",
            stated=objectives.rto_s,
            found=_rounded(longest),
            holds=not recovery.never and (longest is None or longest <= objectives.rto_s),
        ),
    ]
    if objectives.min_acceptance is not None:
        holds = acceptance is not None and acceptance >= objectives.min_acceptance
        stated.append(Held(objective="min_acceptance", stated=objectives.min_acceptance, found=acceptance, holds=holds))
    return tuple(stated)


def _beginnings(drill: Drilled) -> list[float]:
    return [seen.began_s for seen in drill.observed]


def _waiting(observed: Sequence[Observed], at_s: float) -> int:
    """Calls that have begun by then, and have nothing of their answer yet."""
    return sum(
        seen.began_s <= at_s < (seen.first_s if seen.first_s >= 0 else max(seen.ended_s, seen.began_s))
        for seen in observed
    )


def _seconds(drill: Drilled) -> tuple[Slice, ...]:
    last = max([drill.duration_s, *_beginnings(drill)])
    return tuple(_slice(drill, second) for second in range(ceil(last)))


def _slice(drill: Drilled, second: int) -> Slice:
    began = [seen for seen in drill.observed if int(seen.began_s) == second]
    answered: Counter[str] = Counter()
    for seen in began:
        if _is_answered(seen):
            record = drill.records.get(seen.call_id)
            answered[record.seen_by[-1] if record and record.seen_by else seen.target] += 1
    instants = [second, *(seen.began_s for seen in began)]
    return Slice(
        at_s=second,
        began=len(began),
        answered=dict(answered),
        not_answered=len(began) - answered.total(),
        waiting=max(_waiting(drill.observed, at_s) for at_s in instants),
    )


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
