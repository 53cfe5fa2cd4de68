# SPDX-License-Identifier: Apache-2.0
"""A decision of the past, out of the ledger: which rules decided, and why, where the same rules are still in force."""

import msgspec

from freehold.admin.consulted import recalled
from freehold.admin.judging import no_decision
from freehold.admin.state import read_api_keys
from freehold.bootstrap.consult import consult
from freehold.bootstrap.launch import control, supervisor_pid
from freehold.cli import output
from freehold.cli.explanation import show_explanations
from freehold.contract.estate import Estate
from freehold.ledger.record.entry import AdmissionEntry
from freehold.ledger.record.search import find_decision
from freehold.ledger.tree.checkpoint import read_unverified
from freehold.ledger.tree.store import LedgerFiles
from freehold.policy.explain import Explanation


def explain_decision(estate: Estate, decision_id: str, *, as_json: bool) -> None:
    """Print what is on record of a decision, and explain what can still be explained. Raises NotFound."""
    index, entry = _find(estate, decision_id)
    decision = recalled(consult(estate), index, entry, read_api_keys(estate.state), estate)
    if as_json:
        output.emit("decision", decision)
        return
    same_policy, same_facts = decision["same_policy"], decision["same_facts"]
    explanations = msgspec.convert(decision["explanations"], list[Explanation])
    _show(index, entry)
    if explanations:
        output.say("The same rules and facts are still in force:")
        show_explanations(explanations)
    if not (same_policy and same_facts):
        changed = "rules" if not same_policy else "facts"
        output.note(
            f"Other {changed} are in force since; the record stands, and names what decided then by its digest."
        )
    elif len(explanations) < len(entry.targets):
        output.note(
            "What is not explained would be decided otherwise now: its target, service or key has changed since."
        )


def _find(estate: Estate, decision_id: str) -> tuple[int, AdmissionEntry]:
    if supervisor_pid(estate) is not None:
        with control(estate) as admin:
            admin.post("ledger/publish")
    files = LedgerFiles(estate.ledger)
    size = read_unverified(files.checkpoint()).size
    found = find_decision(files.entries(0, size), decision_id)
    if found is None:
        raise no_decision(decision_id)
    return found


def _show(index: int, entry: AdmissionEntry) -> None:
    output.fields(
        {
            "decision": entry.decision.id,
            "entry": index,
            "at": entry.at,
            "service": entry.service,
            "key": entry.key,
            "data class": entry.data_class,
            "policy": entry.decision.policy,
            "facts": entry.decision.facts,
        }
    )
    output.say()
    output.table(
        ("target", "operator", "authorities", "allowed", "rules"),
        [
            (record.name, record.operator, record.authorities, "yes" if record.allowed else "no", record.rules)
            for record in entry.targets
        ],
        empty="The service had no target.",
    )
    output.say()
