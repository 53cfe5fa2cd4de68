# SPDX-License-Identifier: Apache-2.0
"""The report as a document. Reckons nothing."""

from collections.abc import Iterator

from freehold.assess.evidence.ai_act.report import Owed, Report, Standing
from freehold.assess.evidence.ai_act.tuned import Tuned, Verdict
from freehold.assess.evidence.document import Block, Bullets, Command, Document, Figure, Section, Table, Text
from freehold.assess.evidence.statement import Ground, cited, grounded
from freehold.assess.evidence.writing import questions, rests_on

_ORDER = (Standing.APPLIES, Standing.OPEN, Standing.COMES, Standing.MAY_COME, Standing.NOT)


def write_report(report: Report) -> Document:
    return Document(
        title=f"AI Act: {report.origin}",
        about=f"EU AI Act, {report.at}, out of the estate's files",
        figures=tuple(_figures(report)),
        sections=tuple(_sections(report)),
        footer=(
            "Written by freehold evidence ai-act out of the estate's own files. Whether a duty applies is a matter of "
            "law and of facts that the estate does not know; this is no legal advice."
        ),
    )


def compute(flop: float | None) -> str:
    """As a person reads it."""
    return "not known" if flop is None else f"{flop:.3g} FLOP"


def _figures(report: Report) -> Iterator[Figure]:
    now = [duty for duty in report.owed if duty.counts]
    unmet = [duty for duty in now if duty.met.ground is Ground.MISSING]
    yield Figure(figure=str(sum(duty.standing is Standing.APPLIES for duty in now)), says="duties apply today")
    yield Figure(figure=str(sum(duty.standing is Standing.OPEN for duty in now)), says="may apply today: nobody said")
    yield Figure(figure=str(len(unmet)), says="of those without anything that shows them")
    coming = [duty.start for duty in report.owed if duty.standing in (Standing.COMES, Standing.MAY_COME)]
    yield Figure(figure=min(coming, default="none"), says="the next day on which a duty begins")
    over = sum(one.verdict in (Verdict.ABOVE, Verdict.UNKNOWN) for one in report.models)
    yield Figure(figure=f"{over} of {len(report.models)}", says="models above the one-third guideline, or not known")


def _sections(report: Report) -> Iterator[Section]:
    yield Section(
        title="How to read this",
        blocks=(
            Text(text=f"Law: {report.law}. Compiled {report.as_of}; its text in the Official Journal was not read."),
            Text(
                text="A duty counts as open as long as nobody said what rules it out. Measured is what files, ledger "
                "and drills show; asserted is what a person said, by name and on grounds that are told."
            ),
            Bullets(title="The sources disagree", items=report.disagreements, warns=True),
        ),
    )
    yield Section(title="The estate", blocks=tuple(_duties(report.estate)))
    for one in report.services:
        may = Text(text=f"May answer by the rules: {', '.join(one.may_answer) or 'nobody'}.")
        answers = tuple(dict.fromkeys(line for duty in one.duties for line in cited(duty.why[1:]).splitlines()))
        said = (Bullets(title="What people said of it", items=answers),) if answers else ()
        yield Section(title=f"Service {one.service}", blocks=(may, *said, *_duties(one.duties)))
    yield Section(title="Tuning against the one-third guideline", blocks=tuple(_tuning(report)))
    rows = tuple((one.what, one.says, grounded(one)) for one in report.records)
    yield Section(title="Records", blocks=(Table(headings=("what", "says", "rests on"), rows=rows),))
    yield questions(report.missing)
    yield rests_on(report.policy_digest, report.facts_digest, report.answers_digest, report.sources)


def _duties(owed: tuple[Owed, ...]) -> Iterator[Block]:
    ordered = sorted(owed, key=lambda duty: (_ORDER.index(duty.standing), duty.start))
    there = [duty for duty in ordered if duty.standing is not Standing.NOT]
    yield Table(
        headings=("article", "duty", "on whom", "standing", "from", "what shows it"),
        rows=tuple(
            (
                duty.article,
                "\n".join(filter(None, (duty.title, duty.note))),
                " and ".join(duty.who),
                "\n".join([duty.standing, *(f"undecided: {asked.id}" for asked in duty.undecided)]),
                duty.start,
                grounded(duty.met),
            )
            for duty in there
        ),
        empty="No duty applies, by the answers given.",
    )
    ruled_out = [duty for duty in ordered if duty.standing is Standing.NOT]
    if ruled_out:
        told = tuple(f"{duty.article} {duty.title}" for duty in ruled_out)
        yield Bullets(title="Ruled out by answers", items=told)


def _tuning(report: Report) -> Iterator[Block]:
    yield Text(text=report.tuning_note)
    yield Text(text=f"Source: {report.tuning_source}")
    yield Table(
        headings=("model", "what it is", "tuning", "threshold", "share", "verdict", "rests on"),
        rows=tuple(map(_model, report.models)),
        empty="The vault has no model.",
    )
    yield Text(
        text="Where tokens are given, compute is reckoned as 6 FLOP for each parameter and token: an upper estimate, "
        "whichever part of the weights was tuned."
    )
    if any(one.missing for one in report.models):
        yield Command(text="freehold evidence answer AIA.trained no --about model:NAME --by NAME --source TEXT")


def _model(one: Tuned) -> tuple[str, ...]:
    return (
        one.model,
        "\n".join(filter(None, (one.came_from, one.made, f"{one.parameters} parameters" if one.parameters else ""))),
        compute(one.tuning_flop),
        f"{compute(one.threshold_flop)}\n{one.threshold_from}",
        "not known" if one.share_pct is None else f"{one.share_pct:g} %",
        one.verdict,
        cited(one.evidence),
    )
