# SPDX-License-Identifier: Apache-2.0
"""What the estate is doing now. Whatever part does not answer is shown as such; the rest is still shown."""

import re
from pathlib import Path

import msgspec

from freehold import __version__
from freehold.admin.interface import Listening, Parts, Supervisor
from freehold.admin.views import View, instant
from freehold.contract.backend import EngineStatus
from freehold.contract.estate import Estate
from freehold.contract.report import ProcessReport
from freehold.engine.messages import EstateProcesses
from freehold.errors import EstateError, LedgerFault
from freehold.settings import Settings


async def describe(parts: Parts, settings: Settings) -> View:
    """The whole estate, while it is up."""
    running = await _processes(parts.supervisor)
    try:
        ledger = msgspec.to_builtins(await parts.ledger.status())
    except LedgerFault as fault:
        ledger = {"unavailable": fault.message}
    return {
        **describe_down(parts.estate, settings, parts.listening),
        "state": "up",
        "processes": [_process(process) for process in running.processes],
        "targets": [_target(engine, settings) for engine in running.engines],
        "ledger": ledger,
        "gateways": parts.publisher.reports,
    }


def describe_down(estate: Estate, settings: Settings, listening: Listening) -> View:
    """What can be said of an estate by its files alone."""
    return {
        "state": "down",
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
            }
            for name, section in settings.services.items()
        ],
        "ledger": {},
        "gateways": [],
    }


def pss_bytes(pid: int, proc: Path = Path("/proc")) -> int | None:
    """The process's share of memory (PSS), counting what it shares by parts; None where the kernel does not tell."""
    try:
        rollup = (proc / str(pid) / "smaps_rollup").read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return None
    share = re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
    return int(share[1]) * 1024 if share else None


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
        **shown,
        "model": section.model if section else "",
        "sealed": engine.jail.sealed,
        "pss_bytes": pss_bytes(engine.pid) if engine.pid else None,
    }
