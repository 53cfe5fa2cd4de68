# SPDX-License-Identifier: Apache-2.0
"""freehold evidence, and what it says by the Cloud Sovereignty Framework. Asks nobody."""

from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

import click
import msgspec

from freehold.admin.readable import readable, require_estate
from freehold.assess.evidence.csf import Report, assess, load_framework, write_page
from freehold.assess.evidence.csf.grading import Basis
from freehold.assess.evidence.csf.page import BASIS, lift_said
from freehold.assess.evidence.csf.report import Assessed, Question
from freehold.assess.evidence.wording import counted
from freehold.cli import output
from freehold.cli.evidence_ai_act import ai_act
from freehold.cli.evidence_answer import answer
from freehold.cli.evidence_dora import dora
from freehold.cli.evidence_gdpr import gdpr
from freehold.cli.evidence_pack import pack
from freehold.cli.evidence_picture import picture_of
from freehold.cli.options import estate_option, examples, json_option
from freehold.contract.estate import Estate
from freehold.errors import EstateError

_MOST_HELD = 8  # criteria in the terminal; the page and JSON have all
_MOST_HELD_OF_SERVICE = 3
_MOST_GAINS = 4


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
evidence.add_command(ai_act)
evidence.add_command(gdpr)
evidence.add_command(answer)
evidence.add_command(pack)


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
        for service in report.services:
            _show_held(service, _MOST_HELD_OF_SERVICE)
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
    _show_held(estate, _MOST_HELD)
    for name, level in estate.without.items():
        if level > estate.floor:
            output.say(f"  If {name} might not answer any more, the floor would be SEAL-{level}.")


def _show_held(one: Assessed, most: int) -> None:
    """The criteria that hold it down, and what would lift each."""
    if one.held_by:
        output.say()
        output.say(f"What holds the {_named(one)} at SEAL-{one.floor}:")
    for lift in one.held_by[:most]:
        output.say(f"  {lift.criterion} {lift.title} ({', '.join(lift.backends)}, step {lift.step}): {lift_said(lift)}")
    if len(one.held_by) > most:
        output.say(f"  and {len(one.held_by) - most} more")
    if one.gains:
        gains = (f"{gain.criterion} {gain.gain_pct:.1f} % at step {gain.most}" for gain in one.gains[:_MOST_GAINS])
        output.say(f"  What would raise the score most: {', '.join(gains)}")


def _show_missing(missing: tuple[Question, ...]) -> None:
    if missing:
        output.say()
        output.say(f"Not answered, and at the worst step: {counted(len(missing), 'question')}.")
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
