# SPDX-License-Identifier: Apache-2.0
"""Check a whole log, or an export of one: derive it again from its entries, compare every hash, count what is there.

Nothing is taken on trust but the keys of the policy.
"""

from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from pathlib import Path

from freehold.errors import VerificationFailed
from freehold.ledger.check.verify import LedgerReport, verify_ledger
from freehold.ledger.tree.layout import TILE_WIDTH
from freehold.verify.exported import log_directory
from freehold.verify.sources import chosen_trust
from freehold.verify.verdict import NOT_THE_WORLD, Verdict


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("log", metavar="DIR|TAR", help="the log's directory, or what 'freehold ledger export' made")


def verify(asked: Namespace) -> Verdict:
    policy = chosen_trust(asked)
    with log_directory(Path(asked.log)) as directory:
        report = verify_ledger(directory, policy)
    _require_sound_calls(report)
    verdict = Verdict(facts=asdict(report))
    verdict.proved.append(f"the log {report.origin} has signed its {report.size} entries: root {report.root}")
    verdict.proved.append("every entry that is here leads to every hash that is here, and to that root")
    if report.cosigned_size:
        verdict.proved.append(
            f"the witnesses have cosigned its first {report.cosigned_size} entries: {', '.join(report.witnesses)}"
        )
    elif not policy.asks_witnesses:
        verdict.not_proved.append("that the log shows everybody the same history: no witness was asked for")
    if policy.asks_witnesses and report.cosigned_size < report.size:
        verdict.not_proved.append(f"that witnesses have seen the entries from {report.cosigned_size} on")
    if first := report.minimum_index // TILE_WIDTH * TILE_WIDTH:  # whole bundles go, and nothing else
        verdict.not_proved.append(f"what the entries before {first} said, which were pruned")
    verdict.proved.append(_told_calls(report))
    if report.without_outcome:
        verdict.not_proved.append(f"how calls ended that have no outcome yet: {report.without_outcome}")
    if report.unknown:
        verdict.not_proved.append(f"what {report.unknown} entries say: this release does not know their kinds")
    verdict.not_proved.append(NOT_THE_WORLD)
    return verdict


def _require_sound_calls(report: LedgerReport) -> None:
    strange = report.with_two_outcomes + report.stray_outcomes
    if strange:
        raise VerificationFailed(
            f"every hash holds, but {strange} outcomes close no call, or one that was closed already",
            hint="The log is as it was written; what was written contradicts itself.",
        )


def _told_calls(report: LedgerReport) -> str:
    endings = ", ".join(f"{count} {ending}" for ending, count in report.outcomes.items() if count) or "none ended"
    pruned = f"; of calls that were pruned: {report.outcomes_of_pruned}" if report.outcomes_of_pruned else ""
    return (
        f"on record are calls allowed: {report.admissions} ({endings}{pruned}), calls refused: {report.refusals},"
        f" acts of operators: {report.acts}"
    )
