# SPDX-License-Identifier: Apache-2.0
"""Who saw which calls in a period, and who made them: counted out of the ledger, entry by entry.

A call is counted when it ended, by what its outcome and its admission say: so by the authorities that were known when
it was judged. Nothing is kept between two questions. One counts so many entries at most, the newest.
"""

from collections import Counter
from dataclasses import dataclass, field

from freehold.admin.record.entries import Admission, Bundles, Outcome, TargetSeen, read
from freehold.contract.backend import BackendKind
from freehold.contract.facts import UNKNOWN

MOST_COUNTED = 500_000
_DRILLS = "drill_"  # what the key of a drill begins with


@dataclass(frozen=True, slots=True)
class Flow:
    """Calls of one kind, and whoever saw them."""

    service: str
    data_class: str
    target: str
    operator: str
    model: str
    owned: bool
    authorities: tuple[str, ...]


@dataclass(slots=True)
class Sum:
    """Calls and their tokens."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    def add(self, outcome: Outcome) -> None:
        self.calls += 1
        self.input_tokens += outcome.input_tokens
        self.output_tokens += outcome.output_tokens


@dataclass(slots=True)
class Used:
    """What one key was used for."""

    total: Sum = field(default_factory=Sum)
    refused: int = 0
    endings: Counter[str] = field(default_factory=Counter)
    services: Counter[str] = field(default_factory=Counter)
    last: str = ""


@dataclass(slots=True)
class Accounts:
    """What was counted."""

    examined: int = 0
    calls: int = 0
    owned_calls: int = 0
    unknown_calls: int = 0  # nobody knows who saw them: the gateway died, or the admission is pruned
    open_calls: int = 0
    drill_calls: int = 0
    flows: dict[Flow, Sum] = field(default_factory=dict)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)  # service, data class
    keys: dict[str, Used] = field(default_factory=dict)


def count(bundles: Bundles, start: int, end: int) -> Accounts:
    """Everything from entry ``start`` on, before ``end``."""
    accounts = Accounts()
    under_way: dict[int, Admission] = {}
    for index, data in bundles.upward(start, end):
        accounts.examined += 1
        entry = read(data)
        if isinstance(entry, Admission):
            if entry.effect == "allow":
                under_way[index] = entry
            else:
                _refused(accounts, entry)
        elif isinstance(entry, Outcome):
            admission = under_way.pop(entry.admission, None) or _admission(bundles, entry)
            _ended(accounts, admission, entry)
    accounts.open_calls = len(under_way)
    return accounts


def _admission(bundles: Bundles, outcome: Outcome) -> Admission | None:
    """Of a call that was admitted before the period."""
    data = bundles.entry(outcome.admission)
    entry = read(data) if data is not None else None
    return entry if isinstance(entry, Admission) else None


def _refused(accounts: Accounts, entry: Admission) -> None:
    if not entry.key.startswith(_DRILLS):
        accounts.refused[entry.service, entry.data_class] += 1
        used = accounts.keys.setdefault(entry.key, Used())
        used.refused += 1
        used.last = max(used.last, entry.at)


def _ended(accounts: Accounts, admission: Admission | None, outcome: Outcome) -> None:
    if admission is None:
        accounts.calls += 1
        accounts.unknown_calls += 1
        return
    if admission.key.startswith(_DRILLS):
        accounts.drill_calls += 1
        return
    accounts.calls += 1
    used = accounts.keys.setdefault(admission.key, Used())
    used.total.add(outcome)
    used.endings[outcome.ending] += 1
    used.services[admission.service] += 1
    used.last = max(used.last, outcome.at)
    seen = _seen_by(admission, outcome)
    if not seen:
        accounts.unknown_calls += 1
    elif all(target.backend == BackendKind.ENGINE for target in seen):
        accounts.owned_calls += 1
    for target in seen:
        accounts.flows.setdefault(_flow(admission, target), Sum()).add(outcome)


def _seen_by(admission: Admission, outcome: Outcome) -> list[TargetSeen]:
    """Every target that had the call: whoever ended it, and those whose answers broke off after their first byte."""
    names = {outcome.target: None} if outcome.target else {}
    for seam in outcome.seams:
        names |= {seam.left: None, seam.taken_by: None}
    known = {target.name: target for target in admission.targets}
    return [known.get(name) or _unheard_of(name) for name in names]


def _unheard_of(name: str) -> TargetSeen:
    """A target that the admission does not name: nobody can say who runs it."""
    provider = BackendKind.PROVIDER.value
    return TargetSeen(name=name, backend=provider, model="", operator=UNKNOWN, authorities=(UNKNOWN,), allowed=False)


def _flow(admission: Admission, target: TargetSeen) -> Flow:
    return Flow(
        service=admission.service,
        data_class=admission.data_class,
        target=target.name,
        operator=target.operator,
        model=target.model,
        owned=target.backend == BackendKind.ENGINE,
        authorities=target.authorities,
    )
