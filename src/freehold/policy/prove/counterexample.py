# SPDX-License-Identifier: Apache-2.0
"""A request that is permitted and should not be, as a person reads it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from freehold.contract.facts import UNKNOWN
from freehold.policy.prove.messages import Request

Fact = bool | int | str | tuple[str, ...] | None  # None: not known

_LATEST_UNIX = 253_402_300_799  # the end of the year 9999: no calendar of Python's goes further


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterexample:
    """One request, and the rules that permit it. ``any-service`` and the like stand for whatever no rule names."""

    request: Request
    permitted_by: tuple[str, ...]  # ids
    places: tuple[str, ...]  # file and line of each

    @property
    def facts(self) -> Mapping[str, Fact]:
        """All that the request says, by the names that people use. What is unknown is None."""
        application, backend = self.request.application, self.request.backend
        asked, known = self.request.circumstances, self.request.backend.facts
        return {
            "key": application.key,
            "key_services": application.services,
            "service": asked.service,
            "purpose": asked.purpose,
            "data_class": asked.data_class.name.lower(),
            "time": _time(asked.at_unix),
            "backend": backend.name,
            "owned": known.owned,
            "operator": known.operator,
            "authorities": _states(known.authorities),
            "exposure": _states(known.exposure),
            "locations": _states(known.locations),
            "retention_days": known.retention_days,
            "trains": known.trains,
            "licence": None if "licence" in backend.unknown else backend.licence,
        }

    @property
    def lines(self) -> list[str]:
        """One line for each fact, and one for the rules."""
        told = {name.replace("_", " "): _said(fact) for name, fact in self.facts.items()}
        rules = zip(self.permitted_by, self.places, strict=True)
        told["permitted by"] = ", ".join(f"{rule} ({place})" for rule, place in rules)
        width = max(map(len, told))
        return [f"{name.ljust(width)}  {said}" for name, said in told.items()]


def _states(states: tuple[str, ...]) -> tuple[str, ...] | None:
    return None if UNKNOWN in states else states


def _said(fact: Fact) -> str:
    if fact is None:
        return "not known"
    if isinstance(fact, bool):
        return "yes" if fact else "no"
    if isinstance(fact, tuple):
        return ", ".join(fact) or "none"
    return str(fact) or '""'


def _time(unix_time: int) -> str:
    if not 0 <= unix_time <= _LATEST_UNIX:
        return f"{unix_time} s after 1970"
    return f"{datetime.fromtimestamp(unix_time, UTC):%Y-%m-%dT%H:%M:%SZ}"
