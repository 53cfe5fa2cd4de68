# SPDX-License-Identifier: Apache-2.0
"""What a gateway finds out that the control process must hear: who answered, and who refuses as if withdrawn.

Decides nothing. A caller's own mistake is no evidence, and no more is kept than a report may carry.
"""

import asyncio
from collections.abc import Callable
from itertools import count
from typing import Final

from freehold.contract.backend import Target
from freehold.contract.canary import CANARY_KEY
from freehold.contract.report import Evidence, GatewayReport
from freehold.errors import ProviderRefused

_LIKE_A_WITHDRAWAL: Final = frozenset({403, 404, 410, 451})
_MOST_EVIDENCE: Final = 256  # in one report; two keys are enough for a target
_Kind = tuple[str, str, int, bool]


class Findings:
    """What was found since the last report. ``news`` is set when that should not wait for the next one."""

    def __init__(self, find: Callable[[str], Target | None], now_unix: Callable[[], float]) -> None:
        """``find`` gives a target of the configuration in force."""
        self.news = asyncio.Event()
        self._find = find
        self._now_unix = now_unix
        self._turn = count(1)
        self._evidence: dict[_Kind, Evidence] = {}
        self._answered: set[str] = set()
        self._answers: dict[str, int] = {}  # the turn at which a target answered last
        self._refused: dict[str, int] = {}  # the turn at which a target refused first, and has not answered since

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        return tuple(self._evidence.values())

    @property
    def answered_since(self) -> tuple[str, ...]:
        return tuple(sorted(self._answered))

    def reported(self, report: GatewayReport) -> None:
        """The report is on its way."""
        for told in report.evidence:
            kind = _kind(told)
            if self._evidence.get(kind) is told:
                del self._evidence[kind]
        self._answered.difference_update(report.answered)

    def answered(self, target: str, key_id: str) -> None:
        """A target began to answer. News if that is what makes a refusal telling, or was asked for."""
        if key_id == CANARY_KEY:
            self.news.set()
        if self._refused:
            if target in self._refused or any(self._kin(target, one) for one in self._refused):
                self.news.set()
            self._refused.pop(target, None)
        self._answered.add(target)
        self._answers[target] = next(self._turn)

    def refused(self, target: str, problem: ProviderRefused, key_id: str) -> bool:
        """A provider refused. True if that looks like a withdrawal of this target, and so is not for us to judge."""
        if not problem.legal and problem.status not in _LIKE_A_WITHDRAWAL:
            return False
        since = self._refused.setdefault(target, next(self._turn))
        self._note(
            Evidence(target=target, key_id=key_id, status=problem.status, legal=problem.legal, at_unix=self._now_unix())
        )
        return problem.legal or any(turn > since for other, turn in self._answers.items() if self._kin(other, target))

    def keep(self, targets: frozenset[str]) -> None:
        """Forget all others: they are gone, or stand otherwise by the estate's own decision."""
        self._answered &= targets
        self._answers = {target: turn for target, turn in self._answers.items() if target in targets}
        self._refused = {target: turn for target, turn in self._refused.items() if target in targets}

    def _note(self, found: Evidence) -> None:
        """Once for a kind in one report. Siblings that answered before it say nothing about it."""
        kind = _kind(found)
        if kind in self._evidence or len(self._evidence) >= _MOST_EVIDENCE:
            return
        self._evidence[kind] = found
        self._answered -= {one for one in self._answered if one == found.target or self._kin(one, found.target)}
        self.news.set()

    def _kin(self, one: str, other: str) -> bool:
        """Whether both are other models of one provider."""
        first, second = self._find(one), self._find(other)
        if first is None or second is None:
            return False
        return first.operator == second.operator and first.model.name != second.model.name


def _kind(found: Evidence) -> _Kind:
    return found.target, found.key_id, found.status, found.legal
