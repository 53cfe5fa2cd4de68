# SPDX-License-Identifier: Apache-2.0
"""A decision of the past, out of the ledger: which rules decided, and why, where the same rules are still in force."""

from datetime import datetime

import msgspec

from freehold.admin.state import read_api_keys
from freehold.bootstrap.consult import Consulted, consult
from freehold.bootstrap.launch import control, supervisor_pid
from freehold.cli import output
from freehold.cli.explanation import show_explanations
from freehold.contract.call import DataClass
from freehold.contract.estate import Estate
from freehold.errors import NotFound
from freehold.ledger.record.entry import AdmissionEntry, TargetRecord, entry_fields
from freehold.ledger.record.search import find_decision
from freehold.ledger.tree.checkpoint import read_unverified
from freehold.ledger.tree.store import LedgerFiles
from freehold.policy.explain import Explanation, explain
from freehold.policy.judge import Application, Circumstances, Judge


def explain_decision(estate: Estate, decision_id: str, *, as_json: bool) -> None:
    """Print what is on record of a decision, and explain what can still be explained. Raises NotFound."""
    index, entry = _find(estate, decision_id)
    found = consult(estate)
    same_policy = entry.decision.policy == found.law.policy_digest
    same_facts = entry.decision.facts == found.law.facts_digest
    explanations = _explanations(estate, entry, found) if same_policy and same_facts else []
    if as_json:
        output.emit(
            "decision",
            {
                "entry": index,
                "admission": entry_fields(entry),
                "same_policy": same_policy,
                "same_facts": same_facts,
                "explanations": msgspec.to_builtins(explanations),
            },
        )
        return
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
        raise NotFound(
            f"no decision {decision_id!r} is on record",
            hint="An answer's Freehold-Decision header has the id; calls that fail authentication are not recorded.",
        )
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


def _explanations(estate: Estate, entry: AdmissionEntry, found: Consulted) -> list[Explanation]:
    """Of every target that the same question still gets the same answer for."""
    service = next((service for service in found.services if service.name == entry.service), None)
    keys = {key.id: key for key in read_api_keys(estate.state)}
    if service is None or entry.key not in keys:
        return []
    application = Application(key=entry.key, services=keys[entry.key].services)
    circumstances = Circumstances(
        service=service.name,
        purpose=service.purpose,
        data_class=DataClass[entry.data_class.upper()],
        at_unix=int(datetime.fromisoformat(entry.at).timestamp()),
    )
    judge = found.judge(estate)
    return [
        explanation
        for record in entry.targets
        if (explanation := _same(judge, application, record, circumstances)) is not None
    ]


def _same(
    judge: Judge, application: Application, record: TargetRecord, circumstances: Circumstances
) -> Explanation | None:
    if record.name not in judge.backends:
        return None
    explanation = explain(judge, application, record.name, circumstances)
    return explanation if (explanation.allowed, explanation.rules) == (record.allowed, record.rules) else None
