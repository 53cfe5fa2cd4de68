# SPDX-License-Identifier: Apache-2.0
"""How directives and targets look to whoever has to decide: plain values for JSON, with the evidence."""

from collections.abc import Collection, Iterable, Mapping

from freehold.admin.etags import etag_of, with_etag
from freehold.admin.orders import Holding
from freehold.admin.views import View, instant
from freehold.continuity.directives import (
    Loss,
    Phase,
    digest_of,
    digest_to_sign,
    lift_digest_of,
    phase,
    wants_lifting,
)
from freehold.continuity.standings import Held, in_force_on, standing_of
from freehold.continuity.states import Cause
from freehold.continuity.suspicion import Case, Sighting
from freehold.contract.backend import Service, Target
from freehold.contract.facts import BackendFacts
from freehold.contract.report import GatewayReport
from freehold.contract.standing import Directive, TargetState
from freehold.settings import ProviderTargetSection, Settings


def directive_view(directive: Directive, reason: str, hit: Iterable[str]) -> View:
    stands = phase(directive)
    waits = stands is Phase.UNCONFIRMED or wants_lifting(directive)
    view: View = {
        "id": directive.id,
        "state": stands,
        "kind": directive.kind,
        "name": directive.name,
        "reason": reason,
        "source": directive.source,
        "issued": instant(directive.issued_unix),
        "issued_by": directive.issued_by,
        "confirmed_by": directive.confirmed_by,
        "effective": instant(directive.effective_unix),
        "took_effect": instant(directive.took_effect_unix),
        "cuts": directive.cuts,
        "tells": directive.tells,
        "signatures": directive.signatures,
        "lift_asked": instant(directive.lift_asked_unix),
        "lifted": instant(directive.lifted_unix),
        "lifted_by": directive.lifted_by or None,
        "lift_confirmed_by": directive.lift_confirmed_by,
        "digest": digest_of(directive),
        "lift_digest": lift_digest_of(directive) if directive.lift_asked_unix else None,
        "to_sign": digest_to_sign(directive) if waits else None,
        "targets": [] if stands is Phase.LIFTED else list(hit),
    }
    return with_etag(view, "reason", "targets")


def preview_view(hit: Iterable[Target], lost: Iterable[Loss], doubtful: Collection[str] = ()) -> View:
    """What happens to targets and services. ``doubtful`` are hit because nobody could establish the state."""
    return {
        "targets": [
            {
                "target": target.name,
                "model": target.model.name,
                "operator": target.operator,
                "unsure": target.name in doubtful,
            }
            for target in hit
        ],
        "services": [
            {
                "service": loss.service,
                "aliases": loss.aliases,
                "loses": loss.loses,
                "left": loss.left,
                "forbidden": loss.forbidden,
                "stops": loss.stops,
            }
            for loss in lost
        ],
    }


def target_views(  # noqa: PLR0913, PLR0917 - one argument for each thing that is known of targets
    targets: Iterable[Target],
    services: Iterable[Service],
    settings: Settings,
    facts: Mapping[str, BackendFacts],
    held: Held,
    holdings: Iterable[Holding],
    reasons: Mapping[str, str],
    cases: Iterable[Case] = (),
    gateways: Iterable[GatewayReport] = (),
) -> list[View]:
    """Every target with its state, since when and why, and what every gateway makes of it."""
    users = list(services)
    by_target = _grouped(holdings)
    open_cases = {case.target: case for case in cases}
    reports = list(gateways)
    views: list[View] = []
    for target in targets:
        held_by = by_target.get(target.name, {})
        directives = in_force_on(target, facts.get(target.operator), held)
        standing = standing_of(target, facts.get(target.operator), held)
        outages = [view for report in reports for view in _outages(report, target.name)]
        section = settings.foreign.get(target.name)
        since = standing.since_unix if standing else 0.0
        views.append(
            {
                "target": target.name,
                "kind": target.kind,
                "model": target.model.name,
                "provider": target.operator if isinstance(section, ProviderTargetSection) else None,
                "state": standing.state if standing else _found_by(outages),
                "since": instant(since) or min((str(view["since"]) for view in outages), default=None),
                "why": _why(directives, held_by, reasons, outages),
                "directives": [one.id for one in directives],
                "evidence": _evidence(held_by.get(Cause.EVIDENCE), open_cases.get(target.name)),
                "decided_by": held_by[Cause.PERSON].by if Cause.PERSON in held_by else None,
                "outages": outages,
                "retires": (section.retires or None) if section else None,
                "services": [service.name for service in users if target.name in service.targets],
                "etag": _target_etag(target, directives, held_by.values()),
            }
        )
    return views


def _target_etag(target: Target, directives: Iterable[Directive], held_by: Iterable[Holding]) -> str:
    """Over what holds the target, and not over what gateways see of it from one second to the next."""
    holds = sorted((one.cause, one.since_unix, one.by, one.why) for one in held_by)
    return etag_of([target.name, target.model.name, target.operator, [one.id for one in directives], holds])


def with_standings(status: View, directives: Iterable[View], targets: Iterable[View]) -> View:
    """What the estate is doing, with the directives that are not lifted, and how each of its targets stands."""
    standing = {view["target"]: view["state"] for view in targets}
    rows = status["targets"]
    shown = [row | {"standing": standing.get(row["target"])} for row in rows] if isinstance(rows, list) else []
    kept = [view for view in directives if view["state"] != Phase.LIFTED]
    return {**status, "targets": shown, "directives": kept}


def _grouped(holdings: Iterable[Holding]) -> dict[str, dict[Cause, Holding]]:
    grouped: dict[str, dict[Cause, Holding]] = {}
    for holding in holdings:
        grouped.setdefault(holding.target, {})[holding.cause] = holding
    return grouped


def _found_by(outages: list[View]) -> TargetState:
    return TargetState.DEGRADED if outages else TargetState.ACTIVE


def _why(
    directives: Iterable[Directive], held_by: Mapping[Cause, Holding], reasons: Mapping[str, str], outages: list[View]
) -> list[str]:
    """Everything that holds, the strongest first, in words."""
    said = [f"its day has come: {held_by[Cause.DATE].why}"] if Cause.DATE in held_by else []
    said += [f"directive {one.id}: {reasons.get(one.id) or 'its reason was erased'}" for one in directives]
    if Cause.PERSON in held_by:
        said.append(f"withdrawn by {held_by[Cause.PERSON].by}: {held_by[Cause.PERSON].why}")
    if Cause.EVIDENCE in held_by:
        said.append("it looks withdrawn; a person must decide")
    return said + [f"{view['gateway']}: {view['error']}, {view['faults']} in a row" for view in outages]


def _evidence(held: Holding | None, case: Case | None) -> list[View]:
    """What it is suspected for; of a target that is not, what was seen of late and does not count."""
    sightings = held.sightings if held else case.sightings if case else ()
    return [_sighting(seen) for seen in sightings]


def _sighting(seen: Sighting) -> View:
    return {
        "key": seen.key_id,
        "count": seen.count,
        "statuses": seen.statuses,
        "legal": seen.legal,
        "first": instant(seen.first_unix),
        "last": instant(seen.last_unix),
    }


def _outages(report: GatewayReport, target: str) -> list[View]:
    return [
        {
            "gateway": report.gateway,
            "since": instant(outage.since_unix),
            "error": outage.error,
            "faults": outage.faults,
        }
        for outage in report.outages
        if outage.target == target
    ]
