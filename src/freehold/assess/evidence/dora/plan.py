# SPDX-License-Identifier: Apache-2.0
"""A plan to leave one provider: what hangs on it, who stands in and with what room, what was rehearsed, what is open.

Its parts are what Article 28(8) of DORA asks of one: triggers, continuity, alternatives, a way out, tests. A draft.
"""

from collections.abc import Iterator
from typing import Final

from freehold.assess.evidence.document import Block, Bullets, Command, Document, Figure, Section, Table, Text
from freehold.assess.evidence.dora.leaning import Carried, OnProvider
from freehold.assess.evidence.dora.register import Finding
from freehold.assess.evidence.markdown import write_markdown
from freehold.assess.evidence.picture import DrillDone, Picture
from freehold.assess.evidence.wording import calls_with_share, counted

_SEEN: Final = {True: "with the slots and calls of that instant", False: "by files: slots and calls are not known"}


def write_plan(picture: Picture, on: OnProvider, findings: tuple[Finding, ...]) -> str:
    """As Markdown."""
    return write_markdown(plan(picture, on, findings))


def plan(picture: Picture, on: OnProvider, findings: tuple[Finding, ...]) -> Document:
    return Document(
        title=f"Exit plan: {on.provider}",
        about=f"Of the estate {picture.origin}, {picture.at}, out of its files",
        figures=(
            Figure(figure=str(len(on.carried)), says="services that it may answer"),
            Figure(figure=on.substitutability, says="substitutability, in the words of the register"),
            Figure(figure=str(sum(len(one.drills) for one in on.carried)), says="drills that took it away"),
        ),
        sections=tuple(_sections(picture, on, findings)),
        footer="A draft until somebody adopts it. Written by freehold evidence dora out of the estate's own files.",
    )


def _sections(picture: Picture, on: OnProvider, findings: tuple[Finding, ...]) -> Iterator[Section]:
    yield Section(title="What is known of it", blocks=(Bullets(items=tuple(_known(picture, on))),))
    for one in on.carried:
        yield Section(title=f"What hangs on it: {one.service}", blocks=tuple(_carried(one, up=picture.foresight.up)))
    triggers = (
        "It fails, or its answers get worse: the service's acceptance cases, 'freehold target list'",
        "A state orders it to stop, or it is told to: 'freehold directive list'",
        "It breaks the contract or the law, or what it is told of a person reaches somebody else",
        "The contract ends, or its terms change",
    )
    yield Section(title="When to leave", blocks=(Bullets(items=triggers),))
    yield Section(title="What must hold on the way", blocks=(_holding(on),))
    yield Section(title="How to leave", blocks=(_steps(on),))
    review = (
        Text(
            text="A plan is reviewed and tested again when services, targets or rules change, and once a year at the "
            "least. A drill is run on the running estate, and kept with its digest in the ledger:"
        ),
        Command(text="freehold drill run june-2026 --service SERVICE"),
    )
    yield Section(title="Review", blocks=review)
    yield Section(title="Not answered", blocks=(_open(on, findings),))


def _known(picture: Picture, on: OnProvider) -> Iterator[str]:
    facts = picture.backends[on.targets[0]].facts
    yield f"States that can compel the provider: {', '.join(on.authorities) or 'none'} (facts as of {facts.as_of})"
    yield f"Calls on record that ended with it: {calls_with_share(on.calls, on.share_pct)}"
    kept = "not known" if facts.retention_days is None else f"{counted(facts.retention_days, 'day')} at most"
    yield f"What was sent is kept there for: {kept}"
    yield f"Targets: {', '.join(on.targets)}"


def _carried(one: Carried, *, up: bool) -> Iterator[Block]:
    yield Bullets(items=tuple(_standing_in(one, up=up)))
    if one.drills:
        yield Bullets(title="Drills that tested it", items=tuple(map(_drill, one.drills)))
    else:
        yield Bullets(items=("No drill on this estate has tested this.",), warns=True)


def _standing_in(one: Carried, *, up: bool) -> Iterator[str]:
    yield f"Stands in: {', '.join(one.instead) or 'nobody: the service stops'}"
    if one.foreseen is not None:
        yield f"Without it: {one.foreseen.fate}; {one.foreseen.reason} ({_SEEN[up]})"
    for busy in one.busiest:
        yield f"Busiest minute on record: {busy.target} answered {counted(busy.calls, 'call')} at {busy.minute}"
    if one.lacks and one.drills:
        yield f"Not shown: {one.lacks}"


def _drill(drill: DrillDone) -> str:
    verdict = "passed" if drill.passed else "not passed"
    took = "" if drill.recovery_s is None else f", the longest recovery {drill.recovery_s:g} s"
    answered_by = ", ".join(sorted(drill.answered_by)) or "nobody"
    return (
        f"Drill {drill.id} of {drill.began}, {drill.scenario}: {verdict} (drills/{drill.id}.json, {drill.digest}). "
        f"{drill.calls} calls in {drill.duration_s:.0f} s, {drill.not_answered} not answered, {drill.shed} turned "
        f"away, at most {drill.waiting_peak} waiting{took}; answered by {answered_by}"
    )


def _holding(on: OnProvider) -> Table:
    """What leaving may not cost, with what the newest drill of each service found."""
    newest = [(one.service, one.drills[-1]) for one in on.carried if one.drills]
    untested = tuple(f"{one.service}: not tested" for one in on.carried if not one.drills)

    def found(words: Iterator[str]) -> str:
        return "\n".join((*words, *untested)) or "nothing hangs on it"

    rows = (
        ("No business is interrupted", found(f"{s}: {'; '.join(d.objectives) or 'no objective'}" for s, d in newest)),
        (
            "No rule is broken",
            found(f"{s}: {d.policy_violations} calls seen by whom the rules forbid" for s, d in newest),
        ),
        ("No client goes without", found(f"{s}: {d.not_answered} of {d.calls} not answered" for s, d in newest)),
    )
    return Table(headings=("what", "what the newest drill found"), rows=rows)


def _steps(on: OnProvider) -> Table:
    rows = (
        ("1", "Try it", "freehold drill run june-2026 --service SERVICE"),
        ("2", "It gets no more calls", f"freehold directive issue --provider {on.provider} --reason TEXT --source URL"),
        ("3", "See what waits, and for whom there is no room", "freehold status"),
        ("4", "Have it erase what it keeps, give back what it holds, and end the contract by its notice", ""),
        ("5", "Take its targets out of freehold.toml, and write this anew", "freehold evidence dora --output DIR"),
    )
    return Table(headings=("step", "what", "command"), rows=rows)


def _open(on: OnProvider, findings: tuple[Finding, ...]) -> Block:
    about = f"--about {on.provider}"
    told = sorted({(finding.answer, finding.what) for finding in findings if finding.answer.endswith(about)})
    if not told:
        return Text(text="Nothing that the register asks about this provider.")
    return Table(headings=("answer", "what"), rows=tuple(told))
