# SPDX-License-Identifier: Apache-2.0
"""freehold evidence gdpr: the record of processing, transfers with their mechanism and its age, erasures."""

from datetime import UTC, datetime
from pathlib import Path

import click

from freehold.admin.readable import readable, require_estate
from freehold.assess.evidence.gdpr import Report, assess, load_questions, write_report
from freehold.assess.evidence.gdpr.writing import aged
from freehold.cli import output
from freehold.cli.evidence_document import Wanted, deliver, document_options, show_missing
from freehold.cli.evidence_picture import picture_of
from freehold.cli.options import estate_option, examples, json_option
from freehold.contract.estate import Estate

_MOST = 10  # erasures in the terminal; the document and JSON have more


@click.command(
    epilog=examples(
        "freehold evidence gdpr",
        "freehold evidence gdpr --format markdown --output record.md",
        "freehold evidence gdpr --complete --json",
    )
)
@document_options
@estate_option
@json_option
@click.pass_context
def gdpr(  # noqa: PLR0913 - one argument for each option
    context: click.Context, form: str, out: Path | None, *, complete: bool, estate: Estate, as_json: bool
) -> None:
    """Write the record of processing (Article 30), with transfers, their mechanism and its age, and erasures.

    Each service that may have personal data is an activity; recipients come from the rules and the calls on record.
    A transfer rests on a decision of adequacy that the facts have, or on what a person said. Who is unknown is listed.
    """
    wanted = Wanted(form=form, out=out, complete=complete, as_json=as_json)
    require_estate(estate)
    with readable(estate):
        report = assess(picture_of(estate, datetime.now(UTC)), load_questions())
    context.exit(deliver("gdpr", report, wanted, write_report, _show))


def _show(report: Report) -> None:
    output.say(f"GDPR, {report.at}")
    output.say()
    output.table(
        ("service", "in the record", "class", "personal data", "recipients", "engines"),
        [
            (
                one.service,
                "yes" if one.in_record else "no",
                one.data_class,
                f"{one.personal.says} ({one.personal.ground})",
                one.recipients or "none",
                one.engines or "none",
            )
            for one in report.activities
        ],
        empty="There is no service.",
    )
    output.say()
    output.say("Transfers to states outside the EEA:")
    output.table(
        ("provider", "state", "rests on", "ground", "age"),
        [
            (one.provider, one.state, one.mechanism.says, one.mechanism.ground, aged(one) or "not known")
            for one in report.transfers
        ],
        empty="None, as far as it is known.",
    )
    output.say()
    _show_erasures(report)
    show_missing(report.missing)
    output.say()
    for line in report.reservations:
        output.say(f"  - {line}")


def _show_erasures(report: Report) -> None:
    counts = ", ".join(f"{count} {act}" for act, count in report.erasures.counts.items())
    output.say(f"Erasures on record: {counts or 'none'}")
    for one in report.erasures.newest[-_MOST:]:
        output.say(f"  {one.at}  {one.act}  {one.subject}  {one.position}")
