# SPDX-License-Identifier: Apache-2.0
"""freehold evidence: scores and evidence out of the estate's files. Asks nobody; keeps what a person answers."""

from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

import click
import msgspec

from freehold.admin.readable import readable, require_estate
from freehold.assess.evidence.answers import OWN, Answer, add_answer, answers_path
from freehold.assess.evidence.csf import Report, assess, load_framework, write_page
from freehold.assess.evidence.csf.grading import Basis, step_of
from freehold.assess.evidence.csf.page import BASIS, lift_said
from freehold.assess.evidence.csf.report import Assessed, Question
from freehold.assess.evidence.dora import load_layout, subject_of_column
from freehold.assess.evidence.dora.register import SERVICE
from freehold.cli import output
from freehold.cli.evidence_dora import dora
from freehold.cli.evidence_picture import picture_of
from freehold.cli.options import estate_option, examples, json_option
from freehold.contract.estate import Estate
from freehold.errors import EstateError, NotFound
from freehold.settings import Settings, read_settings

_MOST_HELD = 8  # criteria in the terminal; the page and JSON have all


@click.group(
    short_help="Scores and evidence for whoever asks for them.",
    epilog=examples("freehold evidence csf", "freehold evidence csf --format html --output csf.html"),
)
def evidence() -> None:
    """Scores and evidence out of the estate's files: each statement with what it rests on, and its date.

    What only a person can say is asked for, kept in evidence/answers.toml, and shown as asserted. What nobody said
    counts as the worst answer. The estate may be up or down; nobody is contacted.
    """


evidence.add_command(dora)


@evidence.command(
    epilog=examples(
        "freehold evidence csf",
        "freehold evidence csf --profile calculator-2026-06",
        "freehold evidence csf --format html --output csf.html",
        "freehold evidence csf --min-seal 2",
    )
)
@click.option("--profile", metavar="NAME", help="The weights: v1.2.1-2025-10 (default) or calculator-2026-06.")
@click.option(
    "--min-seal", type=click.IntRange(0, 4), help="Exit with 1 if the floor of the estate is lower than this."
)
@click.option(
    "--format", "form", type=click.Choice(["text", "html"]), default="text", show_default=True, help="Of the report."
)
@click.option("--output", "out", type=click.Path(path_type=Path, dir_okay=False), help="Where to write the page.")
@estate_option
@json_option
@click.pass_context
def csf(  # noqa: PLR0913, PLR0917 - one argument for each option
    context: click.Context,
    profile: str | None,
    min_seal: int | None,
    form: str,
    out: Path | None,
    estate: Estate,
    *,
    as_json: bool,
) -> None:
    """Assess the estate by the EU Cloud Sovereignty Framework: a score, and the SEAL floor that no score makes up for.

    48 criteria in eight objectives, for each service and the estate. A criterion counts at the worst backend that may
    answer by the rules in the estate's files. A self-assessment; the report says in what the sources disagree.
    """
    if (form == "html") != (out is not None) or (as_json and form == "html"):
        raise click.UsageError("Give --format html and --output FILE together, and without --json.")
    require_estate(estate)
    with readable(estate):
        picture = picture_of(estate, datetime.now(UTC))
    report = assess(picture, load_framework(), profile or "")
    if as_json:
        output.emit("csf", msgspec.to_builtins(report))
    elif out is not None:
        _write(out, write_page(report))
    else:
        _show(report)
    if min_seal is not None and (report.estate is None or report.estate.floor < min_seal):
        context.exit(1)


@evidence.command(
    epilog=examples(
        'freehold evidence answer SOV-8.q4 3 --by "A. Weber" --source "contract with the utility, 2026-03-01"',
        'freehold evidence answer SOV-1.q1 3 --about mistral --by "A. Weber" --source "register of companies"',
    )
)
@click.argument("question", metavar="ID")
@click.argument("value", metavar="VALUE")
@click.option("--by", required=True, metavar="NAME", help="Who says so.")
@click.option("--source", required=True, metavar="TEXT", help="On what grounds: a document, a contract, a visit.")
@click.option(
    "--about",
    default=OWN,
    show_default=True,
    metavar="SUBJECT",
    help="A provider, service:NAME, or self.",
)
@estate_option
@json_option
def answer(  # noqa: PLR0913 - one argument for each option
    question: str, value: str, *, by: str, source: str, about: str, estate: Estate, as_json: bool
) -> None:
    """Answer what only a person can: kept with who said it, when and on what grounds, and shown as asserted.

    ID is a question that a report names, such as SOV-3.q1 or B_02.01.c0010. VALUE is a step of a criterion, 0 for the
    worst, or what stands in a column. The last answer about the same subject counts; those before it are kept.
    """
    require_estate(estate)
    told = _checked(question, value, about, read_settings(estate.settings))
    at = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    given = Answer(id=question, about=about, value=value, by=by, source=source, at=at)
    path = answers_path(estate.directory)
    add_answer(path, given)
    if as_json:
        output.emit("answer", msgspec.to_builtins(given))
    else:
        output.say(f"Kept in {path}: {told}, about {about}.")


def _checked(question: str, value: str, about: str, settings: Settings) -> str:
    """What is answered, for a person. Raises NotFound, EstateError."""
    criterion, layout = load_framework().criteria.get(question), load_layout()
    column = layout.column(question)
    if criterion is not None:
        step_of(criterion, value)
        subjects, told = (OWN, *settings.providers), f"{criterion.title} is at step {value} of {criterion.best}"
    elif column is not None and (subject := subject_of_column(layout, question)):
        layout.written(column, value)
        services = tuple(f"{SERVICE}{name}" for name in settings.services)
        known = {"self": (OWN,), "provider": tuple(settings.providers), "service": services}
        subjects, told = known[subject], f"{column.name} is {value}"
    else:
        raise NotFound(f"there is no question {question[:64]!r}", hint="The reports of 'freehold evidence' name them.")
    if about not in subjects:
        raise NotFound(f"there is no subject {about[:64]!r} of it", hint=f"There are: {', '.join(subjects)}.")
    return told


def _show(report: Report) -> None:
    output.say(f"EU Cloud Sovereignty Framework, {report.at}")
    output.say(
        f"Weights: {report.profile} ({report.weights.status}). Criteria: {report.criteria_version}, transcribed."
    )
    output.say()
    shown = [*([report.estate] if report.estate else []), *report.services]
    output.table(
        ("", "SEAL floor", "score", "profile", "may answer"),
        [(_named(one), f"SEAL-{one.floor}", f"{one.score_pct:.1f} %", one.profile, one.may_answer) for one in shown],
        empty="No service may be answered by anybody, so that there is nothing to assess.",
    )
    for name in report.unanswerable:
        output.say(f"{name}: no backend may answer it by the rules, so that it has no level.")
    if report.estate is not None:
        _show_estate(report.estate)
        _show_missing(report.missing)
    output.say()
    output.say("The sources disagree:")
    for line in report.disagreements:
        output.say(f"  - {line}")


def _named(one: Assessed) -> str:
    return f"service {one.name}" if one.data_class else f"estate {one.name}"


def _show_estate(estate: Assessed) -> None:
    output.say()
    output.table(
        ("objective", "points", "weight", "gives", "SEAL"),
        [
            (f"{o.id} {o.title}", f"{o.points:.2f} of {o.most_points:.2f}", f"{o.weight} %", f"{o.gives:.2f} %", o.seal)
            for o in estate.objectives
        ],
        empty="",
    )
    output.say()
    for basis, said in BASIS.items():
        output.say(f"{sum(s.grade.basis is Basis(basis) for s in estate.criteria):>2} criteria {said}")
    if estate.held_by:
        output.say()
        output.say(f"What holds the estate at SEAL-{estate.floor}:")
    for lift in estate.held_by[:_MOST_HELD]:
        output.say(f"  {lift.criterion} {lift.title} ({', '.join(lift.backends)}, step {lift.step}): {lift_said(lift)}")
    if len(estate.held_by) > _MOST_HELD:
        output.say(f"  and {len(estate.held_by) - _MOST_HELD} more")
    for name, level in estate.without.items():
        if level > estate.floor:
            output.say(f"  If {name} might not answer any more, the floor would be SEAL-{level}.")


def _show_missing(missing: tuple[Question, ...]) -> None:
    if missing:
        output.say()
        output.say(f"Not answered, and at the worst step: {len(missing)} questions.")
        for about in dict.fromkeys(one.about for one in missing):
            criteria = [one.criterion.split(".") for one in missing if one.about == about]
            for objective, own in groupby(criteria, key=lambda parts: parts[0]):
                output.say(f"  about {about}: {objective} {', '.join(name for _, name in own)}")
        output.say("  'freehold evidence answer ID STEP --about SUBJECT --by NAME --source TEXT' answers one.")


def _write(path: Path, page: bytes) -> None:
    try:
        path.write_bytes(page)
    except OSError as exc:
        raise EstateError(f"{path} cannot be written", hint="Name another file with --output.") from exc
    output.note(f"Wrote {path}.")
