# SPDX-License-Identifier: Apache-2.0
"""freehold evidence: scores and evidence out of the estate's files. Asks nobody; keeps what a person answers."""

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

import click
import msgspec

from freehold.admin.keys import EVERY_SERVICE, Standing
from freehold.admin.readable import readable, require_estate
from freehold.admin.state import read_api_keys
from freehold.assess.evidence.answers import OWN, Answer, add_answer, answers_path
from freehold.assess.evidence.csf import Report, assess, load_framework, write_page
from freehold.assess.evidence.csf.grading import Basis, step_of
from freehold.assess.evidence.csf.page import BASIS, lift_said
from freehold.assess.evidence.csf.report import Assessed, Question
from freehold.assess.evidence.gather import Rules, gather
from freehold.assess.evidence.picture import Picture
from freehold.bootstrap.consult import law_in_files
from freehold.cli import output
from freehold.cli.options import estate_option, examples, json_option
from freehold.contract.estate import Estate
from freehold.errors import EstateError, NotFound
from freehold.policy.cedar import Rule
from freehold.policy.judge import Application
from freehold.policy.trees import names_key
from freehold.settings import read_settings

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
        picture = _picture(estate)
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
@click.argument("value", metavar="STEP")
@click.option("--by", required=True, metavar="NAME", help="Who says so.")
@click.option("--source", required=True, metavar="TEXT", help="On what grounds: a document, a contract, a visit.")
@click.option(
    "--about", default=OWN, show_default=True, metavar="SUBJECT", help="A provider of freehold.toml, or the estate."
)
@estate_option
@json_option
def answer(  # noqa: PLR0913 - one argument for each option
    question: str, value: str, *, by: str, source: str, about: str, estate: Estate, as_json: bool
) -> None:
    """Answer what only a person can: kept with who said it, when and on what grounds, and shown as asserted.

    ID is one of 'freehold evidence csf', such as SOV-3.q1. STEP is 0 for the worst answer, up to the best. The last
    answer to a question about the same subject counts; those before it are kept.
    """
    require_estate(estate)
    criterion = load_framework().criteria.get(question)
    if criterion is None:
        raise NotFound(f"there is no question {question[:64]!r}", hint="'freehold evidence csf --json' lists them.")
    step_of(criterion, value)
    subjects = (OWN, *read_settings(estate.settings).providers)
    if about not in subjects:
        raise NotFound(f"there is no subject {about[:64]!r}", hint=f"There are: {', '.join(subjects)}.")
    at = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    given = Answer(id=question, about=about, value=value, by=by, source=source, at=at)
    path = answers_path(estate.directory)
    add_answer(path, given)
    if as_json:
        output.emit("answer", msgspec.to_builtins(given))
    else:
        output.say(f"Kept in {path}: {criterion.title} is at step {value} of {criterion.best} for {about}.")


def _picture(estate: Estate) -> Picture:
    found = law_in_files(estate)
    judge = found.judge(estate)
    rules = Rules(
        law=found.law,
        judge=judge,
        services=found.services,
        targets=found.targets,
        applications=tuple(_applications(estate, judge.rules)),
    )
    return gather(estate, rules, datetime.now(UTC))


def _applications(estate: Estate, rules: Iterable[Rule]) -> Iterable[Application]:
    """One that is good for every service; and every key that works, where rules can tell keys apart."""
    yield Application(key="any", services=EVERY_SERVICE)
    if any(names_key(rule.tree) for rule in rules):
        for record in read_api_keys(estate.state):
            if record.standing(time.time()) is Standing.ACTIVE:
                yield Application(key=record.id, services=record.services)


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
