# SPDX-License-Identifier: Apache-2.0
"""The assessment as one page of HTML, to be read and printed by whoever has to judge it. Reckons nothing."""

from collections.abc import Iterator
from typing import Final

from freehold.assess.evidence.csf.grading import Basis, Grade
from freehold.assess.evidence.csf.report import Assessed, Lift, Report, Standing
from freehold.assess.evidence.html import Markup, page, table, tag, text
from freehold.assess.evidence.picture import Evidence
from freehold.assess.evidence.wording import counted

BASIS: Final = {
    Basis.MEASURED: "measured",
    Basis.ASSERTED: "asserted",
    Basis.HELD_DOWN: "asserted, held down by facts",
    Basis.MISSING: "not answered: counts at the worst",
}


_MOST_GAINS: Final = 8  # JSON has all


def write_page(report: Report) -> bytes:
    return page(f"Cloud Sovereignty Framework: {report.origin}", _body(report))


def lift_said(lift: Lift) -> str:
    """What would lift it, in a sentence."""
    if lift.needs is None:
        return "no answer to it guarantees more"
    if lift.needs > lift.most:
        return f"step {lift.needs} would, and what is known stands against it (at most step {lift.most})"
    return f"step {lift.needs} or better would"


def _body(report: Report) -> Iterator[Markup]:
    yield Markup("<header>")
    yield tag("p", f"EU Cloud Sovereignty Framework, {report.at}", is_="soft")
    yield tag("h1", report.origin)
    if report.estate is None:
        yield tag("p", "No service may be answered by anybody, so that there is nothing to assess.")
    else:
        yield _figures(report.estate)
    yield Markup("</header><main>")
    yield from _reservations(report)
    if report.estate is not None:
        yield from _assessed(report.estate, "The estate", every_criterion=True)
    for service in report.services:
        yield from _assessed(service, f"Service {service.name}", every_criterion=False)
    yield from _questions(report)
    yield from _rests_on(report)
    yield Markup("</main>")
    yield tag(
        "footer",
        "Written by freehold evidence csf out of the estate's own files; nobody was asked. A self-assessment, "
        "no certificate, and no legal advice.",
    )


def _figures(assessed: Assessed) -> Markup:
    boxes = (
        (f"SEAL-{assessed.floor}", f"floor: {assessed.floor_name}"),
        (f"{assessed.score_pct:.1f} %", f"Sovereignty Score, profile {assessed.profile}"),
        *(
            (str(sum(s.grade.basis is basis for s in assessed.criteria)), f"of {len(assessed.criteria)} {said}")
            for basis, said in BASIS.items()
        ),
    )
    return tag("div", *(tag("div", tag("b", figure), tag("span", said)) for figure, said in boxes), is_="figures")


def _reservations(report: Report) -> Iterator[Markup]:
    profile = report.weights
    yield tag("h2", "How to read this")
    yield tag(
        "p",
        f"Weights: {report.profile} ({profile.status}; {profile.source}; read {profile.as_of}). {profile.note} "
        f"Criteria and points: {report.criteria_version}, from a transcription. Which step a finding stands for is "
        "derived by this release. A criterion counts at its worst backend; what nobody answered, at its worst step.",
    )
    told = [tag("li", line) for line in report.disagreements]
    yield tag("div", tag("b", "The sources disagree"), tag("ul", *told), is_="notice")
    if report.unanswerable:
        names = ", ".join(report.unanswerable)
        yield tag("p", f"No backend may answer {names} by the rules in the estate's files: no level is given.")


def _assessed(one: Assessed, title: str, *, every_criterion: bool) -> Iterator[Markup]:
    yield tag("h2", title)
    if not every_criterion:
        yield _figures(one)
    kept_out = f"; may not: {', '.join(one.may_not)}" if one.may_not else ""
    least = f"Calls of class {one.data_class} and above. " if one.data_class else ""
    yield tag("p", f"{least}May answer by the rules: {', '.join(one.may_answer)}{kept_out}.")
    yield table(
        ("objective", "points", "weight", "gives", "SEAL", "share"),
        [
            (
                f"{o.id} {o.title}",
                f"{o.points:.2f} of {o.most_points:.2f}",
                f"{o.weight} %",
                f"{o.gives:.2f} %",
                f"SEAL-{o.seal}",
                _bar(o.points / o.most_points),
            )
            for o in one.objectives
        ],
    )
    yield from _held(one)
    yield from _gains(one)
    if every_criterion:
        yield tag("h3", "Every criterion")
        yield _criteria(one.criteria)
    else:
        yield Markup(f"<details><summary>All criteria of {text(one.name)}</summary>{_criteria(one.criteria)}</details>")


def _held(one: Assessed) -> Iterator[Markup]:
    if not one.held_by:
        return
    yield tag("h3", f"What holds it at SEAL-{one.floor}")
    rows = [
        (f"{lift.criterion} {lift.title}", ", ".join(lift.backends), f"step {lift.step}", lift_said(lift))
        for lift in one.held_by
    ]
    yield table(("criterion", "worst backends", "stands at", "what would lift it"), rows)
    better = [f"without {name}: SEAL-{level}" for name, level in one.without.items() if level > one.floor]
    if better:
        yield tag("p", f"If a backend might not answer any more, the floor would be: {'; '.join(better)}.")


def _gains(one: Assessed) -> Iterator[Markup]:
    if not one.gains:
        return
    yield tag("h3", "What would raise the score most")
    yield table(
        ("criterion", "worst backends", "stands at", "gain"),
        [
            (
                f"{g.criterion} {g.title}",
                ", ".join(g.backends),
                f"step {g.step}",
                f"{g.gain_pct:.2f} % at step {g.most}",
            )
            for g in one.gains[:_MOST_GAINS]
        ],
    )
    yield tag("p", "At the most: where several backends stand so low, each of them would have to rise.")


def _bar(share: float) -> Markup:
    return Markup(f'<span class="bar"><i style="width:{share * 100:.1f}%"></i></span>')


def _criteria(criteria: tuple[Standing, ...]) -> Markup:
    return table(
        ("criterion", "step", "SEAL", "basis and evidence", "worst backends"),
        [
            (
                f"{s.grade.criterion} {s.title}",
                f"{s.grade.step} of {s.grade.best}",
                f"SEAL-{s.grade.seal}",
                _why(s.grade),
                ", ".join(s.backends),
            )
            for s in criteria
        ],
    )


def _why(grade: Grade) -> Markup:
    basis = tag("span", BASIS[grade.basis], is_=f"basis {grade.basis}")
    return Markup(basis + tag("ul", *(tag("li", _evidence(one)) for one in grade.evidence), is_="why"))


def _evidence(one: Evidence) -> str:
    return f"{one.kind}: {one.says} ({one.where}, {one.as_of or 'no date'})"


def _questions(report: Report) -> Iterator[Markup]:
    yield tag("h2", "Not answered")
    if not report.missing:
        yield tag("p", "Every question that a person has to answer is answered.")
        return
    yield tag("p", f"At the worst step until somebody answers: {counted(len(report.missing), 'question')}.")
    yield tag("p", tag("code", 'freehold evidence answer ID STEP --about SUBJECT --by NAME --source "..."'))
    rows = [(one.criterion, one.title, one.about, f"0 to {one.steps - 1}") for one in report.missing]
    listed = table(("id", "question", "about", "steps"), rows)
    yield Markup(f"<details><summary>The questions</summary>{listed}</details>")


def _rests_on(report: Report) -> Iterator[Markup]:
    head = report.ledger
    ledger = (
        f"{head.origin}, {head.size} entries, root {head.root}, newest of {head.newest_at or 'no time'}; head "
        "checked, entries counted ('freehold ledger verify' checks each)"
        if head
        else "there is none yet"
    )
    yield tag("h2", "What it rests on")
    rows = (
        ("rules", f"{report.set}, {report.policy_digest}, as in the estate's files"),
        ("facts", report.facts_digest),
        ("answers", report.answers_digest or "there are none yet"),
        ("ledger", ledger),
    )
    yield table(("what", "which"), rows)
