# SPDX-License-Identifier: Apache-2.0
"""What the estate is doing now. Whatever part does not answer is shown as such; the rest is still shown."""

import asyncio
import re
from pathlib import Path

import msgspec

from freehold import __version__
from freehold.admin.interface import Listening, Parts, Supervisor
from freehold.admin.readiness import foreseen, readiness_view
from freehold.admin.views import View, instant
from freehold.contract.backend import BackendKind, EngineStatus, Target
from freehold.contract.endpoint import Endpoint
from freehold.contract.estate import Estate
from freehold.contract.report import ProcessReport
from freehold.contract.snapshot import Snapshot
from freehold.egress.secrets import Secrets
from freehold.engine.messages import EstateProcesses
from freehold.errors import EstateError, LedgerFault, ProviderUnavailable
from freehold.ledger.interface import Ledger
from freehold.settings import Settings

_ANSWERS_WITHIN_S = 2.0
_SEALED = "the estate is sealed: no provider is asked"


async def describe(parts: Parts, settings: Settings, snapshot: Snapshot, *, now_unix: float) -> View:
    """The whole estate, while it is up. Of the snapshot, the providers are told; nobody asks them anything."""
    running = await _processes(parts.supervisor)
    ledger = await _ledger(parts.ledger)
    reports = parts.publisher.reports
    losses = await asyncio.to_thread(
        foreseen, snapshot, running.engines, reports, sealed=parts.sealed, now_unix=now_unix
    )
    return {
        **describe_down(parts.estate, settings, parts.listening),
        "state": "up",
        "sealed": parts.sealed,
        "processes": [_process(process) for process in running.processes],
        "targets": [
            *(_target(engine, settings) for engine in running.engines),
            *(
                view | {"state": "sealed", "reason": _SEALED} if parts.sealed else view
                for view in provider_views(snapshot, Secrets(parts.estate))
            ),
        ],
        "ledger": ledger,
        "gateways": reports,
        "readiness": readiness_view(losses),
    }


def describe_down(estate: Estate, settings: Settings, listening: Listening) -> View:
    """What can be said of an estate by its files alone."""
    return {
        "state": "down",
        "sealed": False,
        "estate": str(estate.directory),
        "origin": settings.estate.origin,
        "version": __version__,
        "base_url": listening.base_url,
        "admin_url": listening.admin_url,
        "processes": [],
        "targets": [],
        "services": [
            {
                "name": name,
                "data_class": section.data_class,
                "targets": section.targets,
                "aliases": section.aliases,
                "acceptance": None,
            }
            for name, section in settings.services.items()
        ],
        "ledger": {},
        "gateways": [],
        "directives": [],  # 'freehold directive list' shows them
        "readiness": None,  # what would remain is known of what runs
    }


def provider_views(snapshot: Snapshot, secrets: Secrets) -> list[View]:
    """Every target that is a provider's. ``ready`` is all that can be known of one without asking it."""
    endpoints = {endpoint.provider: endpoint for endpoint in snapshot.endpoints}
    return [
        _provided(target, endpoints[target.operator], secrets)
        for target in snapshot.targets
        if target.kind is BackendKind.PROVIDER and target.operator in endpoints
    ]


def _provided(target: Target, endpoint: Endpoint, secrets: Secrets) -> View:
    try:
        key = "there" if secrets.of(endpoint) else "none"
        reason = ""
    except ProviderUnavailable as problem:
        key, reason = "missing", problem.message
    return {
        "target": target.name,
        "kind": BackendKind.PROVIDER,
        "model": target.model.name,
        "state": "no key" if reason else "ready",
        "reason": reason,
        "provider": target.operator,
        "host": endpoint.host,
        "port": endpoint.port,
        "dialects": endpoint.dialects,
        "key": key,
        "authorities": target.authorities,
    }


def pss_bytes(pid: int, proc: Path = Path("/proc")) -> int | None:
    """The process's share of memory (PSS), counting what it shares by parts; None where the kernel does not tell."""
    try:
        rollup = (proc / str(pid) / "smaps_rollup").read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return None
    share = re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
    return int(share[1]) * 1024 if share else None


async def _ledger(ledger: Ledger) -> View:
    """What it tells of itself. One that is stuck must not keep anybody from seeing so."""
    try:
        async with asyncio.timeout(_ANSWERS_WITHIN_S):
            told: View = msgspec.to_builtins(await ledger.status())
    except TimeoutError:
        return {"unavailable": f"the ledger process did not answer within {_ANSWERS_WITHIN_S:.0f} s"}
    except LedgerFault as fault:
        return {"unavailable": fault.message}
    return told


async def _processes(supervisor: Supervisor) -> EstateProcesses:
    try:
        return await supervisor.processes()
    except EstateError:
        return EstateProcesses(processes=(), engines=())


def _process(process: ProcessReport) -> View:
    return {
        "name": process.name,
        "pid": process.pid or None,
        "state": process.state,
        "restarts": process.restarts,
        "since": instant(process.since_unix),
        "pss_bytes": pss_bytes(process.pid) if process.pid else None,
        "reason": process.reason,
    }


def _target(engine: EngineStatus, settings: Settings) -> View:
    section = settings.targets.get(engine.target)
    shown: View = msgspec.to_builtins(engine)
    shown.pop("socket")  # a path that is of no use to anybody but the gateways
    return {
        "kind": BackendKind.ENGINE,
        **shown,
        "model": section.model if section else "",
        "sealed": engine.jail.sealed,
        "pss_bytes": pss_bytes(engine.pid) if engine.pid else None,
    }
