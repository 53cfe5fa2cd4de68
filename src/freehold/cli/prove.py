# SPDX-License-Identifier: Apache-2.0
"""freehold policy prove: claims about the rules in the estate's files, proved or refuted. Puts nothing in force."""

import time
from collections.abc import Sequence

import click

from freehold.admin.judging import claim_view, verdict_view
from freehold.admin.readable import require_estate
from freehold.cli import output
from freehold.cli.options import estate_option, examples, json_option
from freehold.contract.estate import Estate
from freehold.policy.load import day_of, groups_of, law_of, read_sources
from freehold.policy.prove import Claim, Verdict, claims_text, parse_claim, read_claims
from freehold.policy.prove import prove as proved
from freehold.policy.text import Groups
from freehold.settings import read_settings

_COLOURS = {"proved": "green", "broken": "red", "not proved": "yellow"}
_NOTHING = "The estate claims nothing: its policies/claims.txt has no claim."


@click.command(
    short_help="Prove a claim about the rules, or show what breaks it.",
    epilog=examples(
        'freehold policy prove "no personal data under authority US"',
        'freehold policy prove "no restricted data outside owned" "no data located in CN, RU"',
        "freehold policy prove                     the claims in policies/claims.txt",
        'freehold policy prove --meaning "no internal data to operators that train"',
    ),
)
@click.argument("claims", nargs=-1, metavar="[CLAIM]...")
@click.option("--meaning", is_flag=True, help="Say what the claims mean, exactly, and prove nothing.")
@estate_option
@json_option
@click.pass_context
def prove(context: click.Context, claims: tuple[str, ...], estate: Estate, *, meaning: bool, as_json: bool) -> None:
    """Prove claims about the rules, for every request and every backend that there could be, or show one that breaks
    them. Without CLAIM: those of the estate's policies/claims.txt.

    The rules are those in the estate's files, so a change can be tried before 'freehold reload'. Exits with 1 if a
    claim is not proved.
    """
    require_estate(estate)
    settings, now_unix = read_settings(estate.settings), time.time()
    sources = read_sources(estate, settings.policy.set)
    asked = _claims(claims, estate, groups_of(sources.register, day_of(now_unix)))
    if meaning:
        _say_meaning(asked, as_json=as_json)
        return
    operators = {target.provider for target in settings.foreign.values()}
    verdicts = proved(law_of(sources, operators=operators, now_unix=now_unix), asked, now_unix=now_unix)
    if as_json:
        output.emit("claims", [verdict_view(verdict) for verdict in verdicts])
    else:
        _show(verdicts)
    if not all(verdict.proved for verdict in verdicts):
        context.exit(1)


def _claims(given: Sequence[str], estate: Estate, groups: Groups) -> list[Claim]:
    if given:
        return [parse_claim(text, groups) for text in given]
    return read_claims(claims_text(estate), groups)


def _say_meaning(claims: Sequence[Claim], *, as_json: bool) -> None:
    if as_json:
        output.emit("claims", [claim_view(claim) for claim in claims])
        return
    for claim in claims:
        output.say(click.style(claim.text, bold=True))
        output.say(claim.meaning)


def _show(verdicts: Sequence[Verdict]) -> None:
    if not verdicts:
        output.say(_NOTHING)
    for verdict in verdicts:
        head, *rest = verdict.lines
        output.say(click.style(head, fg=_COLOURS[verdict.answer]))
        for line in rest:
            output.say(line)
