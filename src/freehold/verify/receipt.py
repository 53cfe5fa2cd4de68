# SPDX-License-Identifier: Apache-2.0
"""Check a receipt, or a tlog-proof: that its entries are in the log, and that it is for a request and an answer.

The salt that ties a receipt to what was said is in the receipt that the API gives to the key that made the call.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from freehold.errors import Uncheckable
from freehold.ledger.check.contents import Contents, check_contents
from freehold.ledger.check.receipt import check_receipt, open_tlog_proof, read_salt
from freehold.ledger.check.trust import TrustedCheckpoint, TrustPolicy
from freehold.ledger.record.entry import ActEntry, AdmissionEntry, Entry, OutcomeEntry, entry_fields
from freehold.verify.sources import chosen_trust, read_content, read_text
from freehold.verify.verdict import NOT_THE_WORLD, Verdict, add_head, head_facts

_TLOG_PROOF = "c2sp.org/tlog-proof@"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the receipt (JSON) or tlog-proof (text); - is standard input")
    parser.add_argument("--request", metavar="FILE", help="the request's body, byte for byte as it was sent")
    parser.add_argument("--answer", metavar="FILE", help="the answer's body, byte for byte as it came")
    parser.add_argument("--salt", metavar="HEX", help="the call's salt, where the receipt does not have it")
    parser.add_argument("--entry", metavar="FILE", help="the entry of a tlog-proof that does not carry it")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proved:
    """Entries of a log, by what they are there; none where the entry is not of Freehold."""

    index: int
    indexes: Mapping[str, int]
    entries: Mapping[str, Entry]
    checkpoints: Sequence[TrustedCheckpoint]  # what each was proved by
    salt: bytes | None = None


def verify(asked: Namespace) -> Verdict:
    policy = chosen_trust(asked)
    proved = _proved(asked, policy)
    newest = max(proved.checkpoints, key=lambda trusted: trusted.checkpoint.size)
    verdict = Verdict(facts={**head_facts(newest), "index": proved.index})
    verdict.facts["indexes"] = dict(proved.indexes)
    verdict.facts |= {name: entry_fields(entry) for name, entry in proved.entries.items()}
    add_head(verdict, newest, policy)
    if not proved.entries:
        verdict.proved.append(f"entry {proved.index} is in that log; its kind is not known to this release")
    for name, entry in proved.entries.items():
        verdict.proved.append(f"entry {proved.indexes[name]} is in that log: {_told(entry)}")
    if len({trusted.checkpoint.size for trusted in proved.checkpoints}) > 1:
        verdict.not_proved.append("that its trees are of one history: 'freehold-verify consistency' shows that")
    _tell_contents(verdict, proved, asked)
    verdict.not_proved.append(NOT_THE_WORLD)
    return verdict


def _proved(asked: Namespace, policy: TrustPolicy) -> _Proved:
    text = read_text(asked.file)
    if text.startswith(_TLOG_PROOF):
        entry = None if asked.entry is None else read_content(asked.entry)
        found = open_tlog_proof(text, policy, entry)
        entries = {} if found.entry is None else {str(entry_fields(found.entry)["kind"]): found.entry}
        indexes = dict.fromkeys(entries, found.index)
        return _Proved(index=found.index, indexes=indexes, entries=entries, checkpoints=(found.checkpoint,))
    if asked.entry is not None:
        raise Uncheckable("a receipt has its entries in it", hint="Leave out --entry: it is for a tlog-proof.")
    checked = check_receipt(text.encode(), policy)
    return _Proved(
        index=checked.position.index,
        indexes=checked.indexes,
        entries=checked.entries,
        checkpoints=checked.checkpoints,
        salt=checked.salt,
    )


def _told(entry: Entry) -> str:
    match entry:
        case AdmissionEntry():
            judged = "allowed" if entry.effect == "allow" else "refused"
            allowed = ", ".join(f"{target.name} ({target.operator})" for target in entry.targets if target.allowed)
            return (
                f"call {entry.call}, of data class {entry.data_class}, was {judged} at {entry.at};"
                f" those who were allowed to see it: {allowed or 'nobody'}"
            )
        case OutcomeEntry():
            by = f" by {entry.target}" if entry.target else ""
            return f"call {entry.call} ended as {entry.ending}{by} at {entry.at}"
        case ActEntry():
            return f"the act {entry.act} on {entry.subject} by {entry.operator} at {entry.at}"


def _tell_contents(verdict: Verdict, proved: _Proved, asked: Namespace) -> None:
    admission, outcome = proved.entries.get("admission"), proved.entries.get("outcome")
    admission = admission if isinstance(admission, AdmissionEntry) else None
    outcome = outcome if isinstance(outcome, OutcomeEntry) else None
    if admission and admission.effect == "allow" and outcome is None:
        verdict.not_proved.append("how the call ended: no outcome was on record when this was made")
    contents = Contents(
        request=None if asked.request is None else read_content(asked.request),
        answer=None if asked.answer is None else read_content(asked.answer),
    )
    if contents != Contents():
        salt = proved.salt if asked.salt is None else read_salt(asked.salt)
        check_contents(contents, salt=salt, admission=admission, outcome=outcome)
    parts = {"request": (contents.request, admission), "answer": (contents.answer, outcome)}
    for name, (given, entry) in parts.items():
        if given is not None:
            verdict.proved.append(f"the {name} is exactly the one on record, {len(given)} bytes")
        elif entry is not None:
            verdict.not_proved.append(f"what the {name} was: its bytes and the salt show that, with --{name}")
    verdict.facts["contents"] = {name: given is not None for name, (given, _) in parts.items()}
