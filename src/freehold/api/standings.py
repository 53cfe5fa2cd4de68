# SPDX-License-Identifier: Apache-2.0
"""How targets stand, as this gateway knows it: which are fit to answer, and which may still see a call under way.

What the estate has decided comes with the configuration, and is final here. What calls teach is kept in two places:
outages, which this gateway acts upon by itself, and evidence of a withdrawal, which it only hands on.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import replace

from freehold.api.configuration import Configuration
from freehold.api.findings import Findings
from freehold.contract.backend import Target
from freehold.contract.report import GatewayReport
from freehold.contract.standing import TargetState
from freehold.errors import FreeholdError, NoTarget, ProviderRefused
from freehold.route import Outages, order
from freehold.serve import Asked

_log = logging.getLogger(__name__)


def _unheard(asked: Asked, target: str, problem: FreeholdError) -> None:
    """Nobody takes note."""


class GatewayStandings:
    """Looks at the configuration of the moment, which may be newer than the one that a call began with."""

    def __init__(
        self,
        now_unix: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        failed: Callable[[Asked, str, FreeholdError], None] = _unheard,
    ) -> None:
        """``failed`` hears of every failure of a target, whatever is learnt from it."""
        self._newest: Configuration  # taken before there is a call
        self._now_unix = now_unix
        self._failed = failed
        self._outages = Outages(monotonic, now_unix)
        self._findings = Findings(self._known, now_unix)
        self._cut: set[str] = set()  # whose answers were broken off
        self.news = self._findings.news  # set when a report should not wait

    def order(self, asked: Asked, allowed: tuple[str, ...]) -> tuple[str, ...]:
        """Raises NoTarget, with what callers may be told of the reason, where every target is withdrawn."""
        newest = self._newest
        fit = order(allowed, newest.backends.status, newest.standings)
        if not fit:
            raise NoTarget(_nobody(allowed, newest))
        return self._outages.order(asked.call.id, fit)

    def may(self, asked: Asked, target: str) -> bool:
        """Judge again, by the rules and standings of now. A target or a service that has changed meanwhile may not."""
        newest, at_unix = self._newest, int(self._now_unix())
        if target in newest.standings:
            return False
        service = newest.names.service(asked.service.name)
        if service is None:
            return False
        targets = newest.targets(service)
        if targets is asked.targets and at_unix == asked.request.at_unix:
            return True  # the configuration and the second are those that it was decided by
        if not any(known in asked.targets for known in targets if known.name == target):
            return False
        call = asked.call
        if service.data_class > asked.service.data_class:  # its calls are more confidential now
            call = replace(call, data_class=max(call.data_class, service.data_class))
        return newest.policy.allows(target, call, key=asked.key, service=service, targets=targets, at_unix=at_unix)

    def answered(self, asked: Asked, target: str) -> None:
        self._outages.answered(asked.call.id, target)
        self._findings.answered(target, asked.key.id)

    def failed(self, asked: Asked, target: str, problem: FreeholdError) -> None:
        call = asked.call.id
        self._failed(asked, target, problem)
        if target in self._newest.standings:  # an answer that was cut; and no more is to be learnt of it
            return
        if isinstance(problem, ProviderRefused) and self._findings.refused(target, problem, asked.key.id):
            self._outages.spare(call, target)
        elif self._outages.failed(call, target, problem):
            _log.warning("target %s is degraded: %s", target, problem.code)
            self.news.set()

    def over(self, asked: Asked, whole_from: str) -> None:
        self._outages.over(asked.call.id)
        if whole_from and self._outages.whole(whole_from):
            _log.info("target %s is active again", whole_from)
            self.news.set()

    def take(self, configuration: Configuration) -> None:
        """A configuration is in force now: answers of targets that it cuts off break off, wherever they are.

        What was learnt of targets that are gone, or that the estate took away, is forgotten: they come back afresh.
        """
        self._newest = configuration
        standings = configuration.standings
        targets = frozenset(target.name for target in configuration.snapshot.targets) - standings.keys()
        self._outages.keep(targets)
        self._findings.keep(targets)
        cut = {target for target, standing in standings.items() if standing.cuts}
        for target in sorted(cut - self._cut):
            configuration.backends.cut(target)
        self._cut = cut

    def _known(self, target: str) -> Target | None:
        return self._newest.target(target)

    def told(self, report: GatewayReport) -> GatewayReport:
        """The report, with what was learnt."""
        return replace(
            report,
            outages=self._outages.degraded,
            evidence=self._findings.evidence,
            answered=self._findings.answered_since,
        )

    def reported(self, report: GatewayReport) -> None:
        """The report is on its way: what is in it need not be told again."""
        self._findings.reported(report)


def _nobody(allowed: tuple[str, ...], newest: Configuration) -> str:
    """Why nobody is left, as far as callers may know."""
    standings = [newest.standings[target] for target in allowed if target in newest.standings]
    if len(standings) < len(allowed):
        return "no target is fit to answer"
    told = {standing.told: None for standing in standings if standing.state is TargetState.WITHDRAWN and standing.told}
    return f"every target is withdrawn: {'; '.join(told)}" if told else "no target is fit to answer"
