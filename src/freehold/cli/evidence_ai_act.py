# SPDX-License-Identifier: Apache-2.0
"""freehold evidence ai-act: which duties apply and from when, tuning against the one-third guideline, the records."""

from datetime import UTC, datetime
from pathlib import Path

import click

from freehold.admin.readable import readable, require_estate
from freehold.assess.evidence.ai_act import Report, assess, load_rules, write_report
from freehold.assess.evidence.ai_act.report import Owed, Standing
from freehold.assess.evidence.ai_act.writing import compute
from freehold.assess.evidence.statement import Ground
from freehold.cli import output
from freehold.cli.evidence_document import Wanted, deliver, document_options, show_missing
from freehold.cli.evidence_picture import picture_of
from freehold.cli.options import estate_option, examples, json_option
from freehold.contract.estate import Estate


@click.command(
    "ai-act",
    epilog=examples(
        "freehold evidence ai-act",
        "freehold evidence ai-act --format html --output ai-act.html",
        "freehold evidence ai-act --complete --json",
    ),
)
@document_options
@estate_option
@json_option
@click.pass_context
def ai_act(  # noqa: PLR0913 - one argument for each option
    context: click.Context, form: str, out: Path | None, *, complete: bool, estate: Estate, as_json: bool
) -> None:
    """Say which duties of the AI Act apply, and from when, with what shows that they are met.

    For the estate and each service: logging, transparency, the deployer's duties; the compute that models were tuned
    with against the one-third guideline; the records. What nobody said is open, and never taken for no. The report says
    in what the sources disagree.
    """
    wanted = Wanted(form=form, out=out, complete=complete, as_json=as_json)
    require_estate(estate)
    with readable(estate):
        report = assess(picture_of(estate, datetime.now(UTC)), load_rules())
    context.exit(deliver("ai_act", report, wanted, write_report, _show))


def _show(report: Report) -> None:
    output.say(f"AI Act, {report.at}")
    output.say(f"Law as of {report.as_of}: {report.law}")
    output.say()
    output.table(
        ("article", "duty", "standing", "from", "shown by", "of"),
        [(*row, names) for row, names in _rows(report).items()],
        empty="No duty applies, by the answers given.",
    )
    output.say()
    output.say("Tuning, against a third of the original's training compute:")
    output.table(
        ("model", "tuning", "threshold", "verdict"),
        [(one.model, compute(one.tuning_flop), compute(one.threshold_flop), one.verdict) for one in report.models],
        empty="The vault has no model.",
    )
    output.say()
    output.fields({one.what: one.says for one in report.records})
    show_missing(report.missing)
    output.say()
    output.say("The sources disagree:")
    for line in report.disagreements:
        output.say(f"  - {line}")


def _rows(report: Report) -> dict[tuple[str, ...], list[str]]:
    """What is the same of several services stands there once."""
    owed = [("the estate", duty) for duty in report.estate]
    owed += [(one.service, duty) for one in report.services for duty in one.duties]
    found: dict[tuple[str, ...], list[str]] = {}
    for name, duty in owed:
        if duty.standing is not Standing.NOT:
            found.setdefault(_row(duty), []).append(name)
    return found


def _row(duty: Owed) -> tuple[str, ...]:
    shown = "nothing" if duty.met.ground is Ground.MISSING and not duty.met.evidence else duty.met.ground
    return (duty.article, duty.title, duty.standing, duty.start, shown)
