# SPDX-License-Identifier: Apache-2.0
"""freehold evidence answer: what only a person can say, checked and kept with who said it and on what grounds."""

from datetime import UTC, datetime

import click
import msgspec

from freehold.admin.readable import require_estate, require_own
from freehold.assess.evidence.ai_act import load_rules
from freehold.assess.evidence.answers import OWN, Answer, add_answer, answers_path
from freehold.assess.evidence.csf import load_framework
from freehold.assess.evidence.csf.grading import step_of
from freehold.assess.evidence.dora import load_layout, subject_of_column
from freehold.assess.evidence.gdpr import load_questions
from freehold.assess.evidence.questions import MODEL, SERVICE
from freehold.cli import output
from freehold.cli.options import estate_option, examples, json_option
from freehold.contract.estate import Estate
from freehold.contract.facts import UNKNOWN
from freehold.errors import NotFound
from freehold.policy.facts.states import STATES
from freehold.settings import read_settings
from freehold.vault import Vault


@click.command(
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
    help="A provider, PROVIDER/STATE, service:NAME, model:NAME, or self.",
)
@estate_option
@json_option
def answer(  # noqa: PLR0913 - one argument for each option
    question: str, value: str, *, by: str, source: str, about: str, estate: Estate, as_json: bool
) -> None:
    """Answer what only a person can: kept with who said it, when and on what grounds, and shown as asserted.

    ID is a question that a report names, such as SOV-3.q1, B_02.01.c0010, AIA.role or GDPR.mechanism. VALUE is a step
    of a criterion, 0 for the worst, what stands in a column, or what the question takes.
    The last answer about the same subject counts; those before it are kept.
    """
    require_estate(estate)
    require_own(estate)
    told = _checked(question, value, about, estate)
    at = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    given = Answer(id=question, about=about, value=value, by=by, source=source, at=at)
    path = answers_path(estate.directory)
    add_answer(path, given)
    if as_json:
        output.emit("answer", msgspec.to_builtins(given))
    else:
        output.say(f"Kept in {path}: {told}, about {about}.")


def _checked(question: str, value: str, about: str, estate: Estate) -> str:
    """What is answered, for a person. Raises NotFound, EstateError."""
    subject, told = _asked(question, value)
    subjects = _subjects(estate, subject)
    if subject == "transfer":
        provider, _, state = about.partition("/")
        if provider not in subjects or state not in (*STATES, UNKNOWN):
            raise _no_subject(about, tuple(f"{name}/STATE" for name in subjects))
    elif about not in subjects:
        raise _no_subject(about, subjects)
    return told


def _asked(question: str, value: str) -> tuple[str, str]:
    """What kind of subject it is about, and what the value says. Raises NotFound, EstateError."""
    criterion, layout = load_framework().criteria.get(question), load_layout()
    if criterion is not None:
        step_of(criterion, value)
        return "criterion", f"{criterion.title} is at step {value} of {criterion.best}"
    column = layout.column(question)
    if column is not None and (subject := subject_of_column(layout, question)):
        layout.written(column, value)
        return subject, f"{column.name} is {value}"
    known = {**load_rules().questions, **load_questions().questions}.get(question)
    if known is None:
        raise NotFound(f"there is no question {question[:64]!r}", hint="The reports of 'freehold evidence' name them.")
    known.check(value)
    return known.about, f"{known.text}: {value}"


def _subjects(estate: Estate, subject: str) -> tuple[str, ...]:
    settings = read_settings(estate.settings)
    providers = tuple(settings.providers)
    known = {
        "self": (OWN,),
        "criterion": (OWN, *providers),
        "provider": providers,
        "transfer": providers,
        "service": tuple(f"{SERVICE}{name}" for name in settings.services),
    }
    if subject in known:
        return known[subject]
    return tuple(f"{MODEL}{manifest.name}" for manifest in Vault(estate.vault).list())


def _no_subject(about: str, subjects: tuple[str, ...]) -> NotFound:
    return NotFound(f"there is no subject {about[:80]!r} of it", hint=f"There are: {', '.join(subjects) or 'none'}.")
