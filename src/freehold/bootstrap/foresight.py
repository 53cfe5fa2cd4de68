# SPDX-License-Identifier: Apache-2.0
"""What an estate would lose with a provider or a state: as its control process sees it if it is up, else by files."""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from freehold.admin.acceptance import gated, read_suites
from freehold.admin.client import AdminClient
from freehold.admin.configured import read_configured
from freehold.admin.orders import read_orders
from freehold.admin.publish import compose, models_of
from freehold.admin.readiness import foreseen, readiness_view
from freehold.admin.state import read_qualifications
from freehold.admin.withdrawals import held_by, located
from freehold.bootstrap.launch import supervisor_pid
from freehold.continuity.readiness import LossKind
from freehold.continuity.standings import standings_of
from freehold.contract.estate import Estate
from freehold.contract.snapshot import Snapshot
from freehold.policy.facts import load_register
from freehold.provider import endpoints_of
from freehold.settings import Settings, read_settings
from freehold.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """Every loss that there could be, in the shape that status has; and the names that services answer to."""

    up: bool
    by_files: bool  # the slots and calls of this instant are not in it
    losses: tuple[Mapping[str, Any], ...]
    aliases: Mapping[str, tuple[str, ...]]  # by service


def foreseen_by(estate: Estate, states: Collection[str] = ()) -> Foreseen:
    """Raises PolicyInvalid, SettingsError, EstateError.

    ``states`` are asked for. One that no provider is known to be compelled by is judged by files alone.
    """
    settings = read_settings(estate.settings)
    aliases = {name: tuple(section.aliases) for name, section in settings.services.items()}
    up = supervisor_pid(estate) is not None
    if up:
        readiness = AdminClient(estate.control_socket).get("status")["status"]["readiness"]
        if not set(states) - {loss["name"] for loss in readiness["losses"] if loss["kind"] == LossKind.AUTHORITY}:
            return Foreseen(up=True, by_files=False, losses=tuple(readiness["losses"]), aliases=aliases)
    now_unix = time.time()
    snapshot = _in_files(estate, settings, now_unix)
    losses = readiness_view(foreseen(snapshot, (), (), sealed=False, now_unix=now_unix, states=states))["losses"]
    return Foreseen(up=up, by_files=True, losses=tuple(msgspec.to_builtins(losses)), aliases=aliases)


def _in_files(estate: Estate, settings: Settings, now_unix: float) -> Snapshot:
    """What the files would put in force now: rules, who has passed the cases, and what is withdrawn."""
    files = read_configured(estate, settings)
    law, models = files.law(now_unix), models_of(settings, Vault(estate.vault))
    snapshot = compose(settings, (), models, law, files.endpoints, version=0, now_unix=now_unix)
    register = load_register(estate.facts)
    facts = located(law.facts, endpoints_of(settings, register, estate), register)
    directives, reasons, holdings = read_orders(estate.state)
    standings = standings_of(snapshot.targets, facts, held_by(directives, reasons, holdings))
    suites, runs = read_suites(estate, settings), read_qualifications(estate.state)
    return replace(gated(snapshot, settings, suites, runs, now_unix), standings=standings)
