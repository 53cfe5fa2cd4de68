# SPDX-License-Identifier: Apache-2.0
"""Policy: the table of all decisions, one decision explained, and claims about all requests, proved or broken."""

from dataclasses import dataclass
from typing import Final

from freehold.console.interface import Found, Page, Shown, Visit
from freehold.console.reading.keys import ServiceNames
from freehold.console.reading.policy import (
    Claims,
    DecidedAnswer,
    ExplainedAnswer,
    MatrixAnswer,
    Note,
    Sheet,
    lines_of,
    notes,
    sheets,
)
from freehold.contract.call import DataClass

_MOST_SHEETS: Final = 12
_CLASSES: Final = tuple(data_class.name.lower() for data_class in DataClass)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The matrix. ``service``, ``key`` and ``providers`` are what was asked for."""

    found: Found[MatrixAnswer]
    services: tuple[str, ...]
    service: str
    sheets: tuple[Sheet, ...]  # of that service, or of as many as can be read at once
    notes: tuple[Note, ...]
    key: str
    providers: str

    def number_of(self, rules: tuple[str, ...]) -> int:
        """The note about a set of rules."""
        return next(note.number for note in self.notes if note.rules == rules)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was typed into the form of explanations."""

    decision: str = ""
    service: str = ""
    data_class: str = ""
    key: str = ""
    purpose: str = ""
    backends: str = ""

    @property
    def is_call(self) -> bool:
        return bool(self.fields)

    @property
    def fields(self) -> dict[str, object]:
        """What is asked of the API: only what was filled in."""
        typed: dict[str, object] = {
            "service": self.service,
            "data_class": self.data_class,
            "key": self.key,
            "purpose": self.purpose,
            "backends": self.backends.replace(",", " ").split(),
        }
        return {name: value for name, value in typed.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """An explanation, of a call that is made up or of one that was made."""

    asked: Asked
    services: Found[ServiceNames]
    classes: tuple[str, ...]
    call: Found[ExplainedAnswer] | None = None
    decision: Found[DecidedAnswer] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proofs:
    """The estate's own claims, and those that were tried."""

    own: Found[Claims]
    written: str = ""
    tried: Found[Claims] | None = None
    proved_own: bool = False  # whether ``own`` has answers


async def show(visit: Visit) -> Shown:
    """Every service x class x backend."""
    key, providers = visit.asked("key"), visit.asked("providers")
    fields: dict[str, object] = {"key": key} if key else {}
    if names := providers.replace(",", " ").split():
        fields["providers"] = names
    found = await visit.look(MatrixAnswer, "policy/matrix", fields)
    matrix = found.value.matrix if found.value else None
    every, service = sheets(matrix) if matrix else (), visit.asked("service")
    view = Table(
        found=found,
        services=tuple(sheet.service for sheet in every),
        service=service,
        sheets=tuple(sheet for sheet in every if service in ("", sheet.service))[:_MOST_SHEETS],
        notes=notes(matrix) if matrix else (),
        key=key,
        providers=providers,
    )
    return Shown(template="policy.html", title="Policy", view=view)


async def explain(visit: Visit) -> Shown:
    """Why a call may be seen, or may not. Asked for with a form that changes nothing, so its address can be kept."""
    asked = Asked(
        decision=visit.asked("decision"),
        service=visit.asked("service"),
        data_class=visit.asked("data_class"),
        key=visit.asked("key"),
        purpose=visit.asked("purpose"),
        backends=visit.asked("backends"),
    )
    call, decision = None, None
    if asked.decision:
        decision = await visit.look(DecidedAnswer, "policy/explain", {"decision": asked.decision}, method="POST")
    elif asked.is_call:
        call = await visit.look(ExplainedAnswer, "policy/explain", asked.fields, method="POST")
    services = await visit.look(ServiceNames, "services", {"limit": 1000})
    view = Why(asked=asked, services=services, classes=_CLASSES, call=call, decision=decision)
    return Shown(template="policy_explain.html", title="Explain", view=view)


async def claims(visit: Visit) -> Shown:
    """The estate's own claims, and what they mean."""
    view = Proofs(own=await visit.look(Claims, "policy/prove", {"meaning": True}, method="POST"))
    return Shown(template="policy_claims.html", title="Claims", view=view)


async def prove(visit: Visit) -> Shown:
    """Prove the estate's own claims, or those that were typed."""
    written = visit.said("claims")
    if not written:
        view = Proofs(own=await visit.look(Claims, "policy/prove", {}, method="POST"), proved_own=True)
    else:
        view = Proofs(
            own=await visit.look(Claims, "policy/prove", {"meaning": True}, method="POST"),
            written=written,
            tried=await visit.look(Claims, "policy/prove", {"claims": lines_of(written)}, method="POST"),
        )
    return Shown(template="policy_claims.html", title="Claims", view=view)


PAGES = (
    Page(path="policy", show=show),
    Page(path="policy/explain", show=explain, within="policy"),
    Page(path="policy/claims", show=claims, act=prove, within="policy"),
)
