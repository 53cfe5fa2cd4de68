# SPDX-License-Identifier: Apache-2.0
"""Looks for what would harm the estate, and says what to do. Reads only; repairs nothing."""

import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from freehold.admin import host, interpreter
from freehold.admin.acceptance import fitness_in_files
from freehold.admin.interface import Supervisor
from freehold.admin.trusting import trust_of
from freehold.continuity.acceptance import Fitness
from freehold.continuity.readiness import Fate, Loss, LossKind
from freehold.contract.backend import EngineState, EngineStatus
from freehold.contract.estate import Estate
from freehold.egress.secrets import Secrets
from freehold.errors import EstateError, LedgerFault, OperatorError, ProviderUnavailable, SettingsError
from freehold.ledger.interface import Ledger
from freehold.policy.facts import load_register, stale, upcoming
from freehold.provider import endpoints_of
from freehold.settings import Settings
from freehold.vault import Vault, Verdict

RELEASED_UNIX = 1_793_500_000  # November 2026: a clock that is before this release is wrong
_FORESEEN = timedelta(days=365)  # what changes later than that is told, and no warning
_TIGHT_BYTES = 2**30  # a warning, well before the ledger's reserve is reached


class Finding(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at. ``advice`` is what to do, where there is something to do."""

    name: str
    finding: Finding
    what: str
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What the processes of an estate that is up say of themselves."""

    engines: tuple[EngineStatus, ...]
    ledger_fault: str  # empty: the ledger answers
    held_back: str = ""  # why no provider may see a call today; empty: the rules say which may
    losses: tuple[Loss, ...] = ()  # what would go with each provider

    @classmethod
    async def ask(cls, supervisor: Supervisor, ledger: Ledger, *, held_back: str) -> "Live":
        try:
            engines = tuple((await supervisor.processes()).engines)
        except EstateError:
            engines = ()
        try:
            await ledger.status()
        except LedgerFault as fault:
            return cls(engines=engines, ledger_fault=fault.message, held_back=held_back)
        return cls(engines=engines, ledger_fault="", held_back=held_back)


def examine(
    estate: Estate,
    settings: Settings,
    *,
    unencrypted: bool,
    live: Live | None,
    progress: Callable[[int, int], None],
) -> list[Check]:
    """Every check. ``live`` is None while the estate is down. Reads each model that a target uses from end to end, and
    asks no provider anything.
    """
    return [
        *_permissions(estate),
        _disk(estate, settings),
        _clock(),
        _listener(settings, unencrypted=unencrypted),
        *_kernel(),
        *of_interpreter(profiled=interpreter.is_profiled()),
        *_facts(estate, settings),
        *_providers(estate, settings),
        *_weights(estate, settings, progress),
        *_acceptance(estate, settings),
        *(_running(live) if live is not None else ()),
    ]


def _permissions(estate: Estate) -> Iterator[Check]:
    for path in (estate.keys, estate.ledger_key, estate.salts, estate.state):
        if path.exists():
            yield _private(path)
    mode = stat.S_IMODE(estate.directory.stat().st_mode)
    if mode & 0o022:
        yield _fail(
            "estate",
            f"{estate.directory} has mode {mode:04o}: others may replace what is in it",
            f"Run: chmod 700 {estate.directory}",
        )
    if not os.access(estate.directory, os.W_OK | os.X_OK):
        yield _fail("estate", f"{estate.directory} is not writable for this user", "Run as the user who owns it.")


def _private(path: Path) -> Check:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        advice = f"Run: chmod {'700' if path.is_dir() else '600'} {path}"
        return _fail("permissions", f"{path} has mode {mode:04o}: other users may read it", advice)
    return _ok("permissions", f"{path} is for its owner alone")


def _disk(estate: Estate, settings: Settings) -> Check:
    free = shutil.disk_usage(estate.directory).free
    reserve = settings.ledger.reserve_mb * 2**20
    what = f"{free // 2**20} MB are free, {settings.ledger.reserve_mb} MB of them kept back for the ledger"
    if free <= reserve:
        return _fail("disk", what, "Free space on the estate's disk: no call is served until then.")
    if free <= reserve + _TIGHT_BYTES:
        return _warn("disk", what, "Free space on the estate's disk before calls have to be refused.")
    return _ok("disk", what)


def _clock() -> Check:
    if time.time() < RELEASED_UNIX:
        return _fail("clock", "the clock is before this release was made", "Set it: every record bears its time.")
    return _ok("clock", "the clock is past this release")


def _listener(settings: Settings, *, unencrypted: bool) -> Check:
    if unencrypted:
        return _warn(
            "listener",
            f"{settings.listen.host} is reached from other machines, and calls cross the network in plain text",
            "Set listen.tls_cert and listen.tls_key, or let a proxy of your own end TLS.",
        )
    return _ok("listener", "no call crosses a network in plain text")


def _kernel() -> Iterator[Check]:
    refusal = host.refuses_user_namespaces()
    if refusal:
        yield _warn(
            "namespaces",
            f"{refusal}, so engines keep a network namespace that others are in",
            "Let ordinary users make user namespaces, or run engines where they may.",
        )
    else:
        yield _ok("namespaces", "engines can be given a network namespace of their own")
    abi = host.landlock_abi()
    if abi == 0:
        yield _warn(
            "landlock",
            "the kernel has no Landlock in force, so engines could open this user's files",
            "Use Linux 5.13 or later with 'landlock' among its security modules (lsm=).",
        )
    else:
        yield _ok("landlock", f"Landlock ABI {abi}")
    if host.has_seccomp():
        yield _ok("seccomp", "engines can be kept from connecting at all")
    else:
        yield _warn("seccomp", "the kernel takes no seccomp filters", "Use a kernel with CONFIG_SECCOMP_FILTER.")


def of_interpreter(*, profiled: bool | None) -> Iterator[Check]:
    """How well the Python that runs this was built; nothing where that cannot be told."""
    if profiled:
        yield _ok("python", f"{interpreter.name()} was built with profile-guided optimisation")
    elif profiled is not None:
        yield _warn(
            "python",
            f"{interpreter.name()} was built without profile-guided optimisation: calls take 8 % more processor time",
            "Use a distribution's or uv's build. For pyenv: PYTHON_CONFIGURE_OPTS='--enable-optimizations --with-lto'.",
        )


def _weights(estate: Estate, settings: Settings, progress: Callable[[int, int], None]) -> Iterator[Check]:
    vault = Vault(estate.vault)
    try:
        trust = trust_of(estate, settings)
    except OperatorError as problem:  # a key or a fact that cannot be read; nothing loads before it can
        yield _fail("trust", problem.message, problem.advice)
        return
    for model in sorted({target.model for target in settings.engines.values()}):
        try:
            manifest = vault.verify(model, progress=progress)
            verdict = vault.judge(model, trust).verdict
        except OperatorError as problem:
            yield _fail("weights", problem.message, problem.advice or f"Import {model} again, from a source you trust.")
        else:
            yield _ok("weights", f"{model} is what was imported: {manifest.digest}")
            yield _vouched(model, verdict)


def _vouched(model: str, verdict: Verdict) -> Check:
    if not verdict.may_run:
        return _fail("trust", f"{model} may not run: {verdict.why}", f"Look at it: freehold vault approve {model}")
    if verdict.warned:
        advice = f"Approve it, or name its publisher's key: freehold vault approve {model}"
        return _warn("trust", f"{model} runs though nobody vouches for it: {verdict.why}", advice)
    return _ok("trust", f"{model} may run: {verdict.why}")


def _facts(estate: Estate, settings: Settings) -> Iterator[Check]:
    try:
        register = load_register(estate.facts)
    except SettingsError as problem:
        yield _fail("facts", problem.message, problem.advice)
        return
    today = datetime.now(UTC).date()
    old = stale(register, today, settings.policy.facts_max_age_days)
    changes = upcoming(register, today)
    if old:
        rest = f"; {len(old) - 1} more facts want a look" if len(old) > 1 else ""
        yield _warn(
            "facts", f"{old[0].entry} {old[0].what}{rest}", "Look at their sources again; correct them in facts/."
        )
    else:
        yield _ok("facts", f"no fact is older than {settings.policy.facts_max_age_days} days")
    for change in changes:
        told = f"{change.on.isoformat()}: {change.what} ({change.entry})"
        if change.on - today <= _FORESEEN:
            yield _warn("facts", told, "See what 'freehold policy matrix' allows then, and arrange for it.")
        else:
            yield _ok("facts", told)


def _providers(estate: Estate, settings: Settings) -> Iterator[Check]:
    if not settings.foreign:
        return
    try:
        endpoints = endpoints_of(settings, load_register(estate.facts), estate)
    except SettingsError as problem:
        yield _fail("provider", problem.message, problem.advice)
        return
    secrets = Secrets(estate)
    for endpoint in endpoints:
        where = f"{endpoint.provider} at {endpoint.host}:{endpoint.port}"
        try:
            found = secrets.of(endpoint)
        except ProviderUnavailable as problem:
            yield _fail("provider", f"{where}: {problem.message}", problem.advice)
            continue
        what = "its key is there" if found else "it is sent no key"
        if endpoint.encrypted:
            yield _ok("provider", f"{where}: {what}")
        else:
            advice = "Give it TLS, unless nobody else can read what crosses that network."
            yield _warn("provider", f"{where}: {what}, and calls to it go in plain text", advice)


def _acceptance(estate: Estate, settings: Settings) -> Iterator[Check]:
    """Whether each service's targets are known to be good enough for it."""
    try:
        standings = fitness_in_files(estate, settings, time.time())
    except OperatorError as problem:
        yield _fail("acceptance", problem.message, problem.advice)
        return
    for service, section in settings.services.items():
        others = ", ".join(section.targets[1:])
        if service not in standings and others:
            what = f"{service} has no acceptance cases: nothing says whether {others} can stand in"
            yield _warn("acceptance", what, "Write cases for it: docs/tasks/accept-a-substitute.md.")
        elif service not in standings:
            yield _ok("acceptance", f"{service} has no acceptance cases, and no other target that could stand in")
        for target, (standing, lacks) in standings.get(service, {}).items():
            if not lacks:
                yield _ok("acceptance", f"{target} has passed the cases of {service}")
                continue
            first = standing is Fitness.FIRST
            what = "answers for it all the same" if first else "does not stand in for it"
            advice = f"Run: freehold target qualify {service} --target {target}"
            yield _warn("acceptance", f"{target} has no current pass for {service} and {what}: {lacks}", advice)


def _running(live: Live) -> Iterator[Check]:
    if live.held_back:
        what = f"no provider may see a call: the law of this day is not proved to keep the claims: {live.held_back}"
        yield _fail("claims", what, "Change the rules or the facts until the claims hold, then 'freehold reload'.")
    if live.ledger_fault:
        yield _fail("ledger", live.ledger_fault, "No call is served meanwhile; run/log/ledger.log tells why.")
    else:
        yield _ok("ledger", "the ledger answers")
    for engine in live.engines:
        if engine.state is EngineState.FAILED:
            yield _fail("engine", f"{engine.target}: {engine.reason}", "Correct that, then 'freehold down' and 'up'.")
        elif engine.state is EngineState.RESTARTING:
            yield _warn("engine", f"{engine.target} died and is being restarted: {engine.reason}", "See run/log.")
        for part in engine.jail.missing:
            yield _warn("jail", f"{engine.target} is not fully jailed: {part}", "'freehold up --sealed' refuses this.")
        if engine.jail.sealed and not engine.jail.left:
            yield _ok("jail", f"{engine.target} has no network, no connect(2) and no file but its weights")
        elif engine.jail.sealed:
            left = "; ".join(engine.jail.left)
            what = f"{engine.target} is alone in a jail with no way out, and keeps what {engine.engine} needs: {left}"
            yield _ok("jail", what)
    yield from _readiness(live.losses)


def _readiness(losses: tuple[Loss, ...]) -> Iterator[Check]:
    """Which services would stop with one provider."""
    for loss in losses:
        if loss.kind is LossKind.PROVIDER:
            stopping = [verdict for verdict in loss.services if verdict.touched and verdict.fate is Fate.STOPS]
            for verdict in stopping:
                what = f"if {loss.name} left, {verdict.service} would stop: {verdict.reason}"
                yield _warn("readiness", what, "Give it a target of this estate: docs/tasks/capacity.md.")
            if not stopping:
                yield _ok("readiness", f"no service would stop if {loss.name} left")


def _ok(name: str, what: str) -> Check:
    return Check(name=name, finding=Finding.OK, what=what)


def _warn(name: str, what: str, advice: str) -> Check:
    return Check(name=name, finding=Finding.WARN, what=what, advice=advice)


def _fail(name: str, what: str, advice: str) -> Check:
    return Check(name=name, finding=Finding.FAIL, what=what, advice=advice)
