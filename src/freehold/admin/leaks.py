# SPDX-License-Identifier: Apache-2.0
"""Has every process of the estate try to get out, and says what that comes to. The refusing is the kernel's."""

import asyncio
import os
import socket
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from secrets import token_hex
from urllib.parse import urlsplit

from freehold.admin.interface import Parts
from freehold.admin.views import View
from freehold.contract.attempt import Attempt, Attempts, Bait, Reach, Tried
from freehold.contract.backend import EngineStatus
from freehold.seal.attempts import attempt_all

_ALONE = "it can connect to its own processes, and nobody else is where it is"
_SHOWN = "it can open its weights, its own folder, and what it was installed with"
_OWN = "it can open its weights and its own folder only"


class Verdict(StrEnum):
    """What an outcome is worth in this estate."""

    OK = "ok"
    OPEN = "open"  # possible, and the estate does not say that it is not
    FAIL = "fail"  # possible, though the estate is sealed; or not known


async def check_egress(parts: Parts, attempt_all: Attempts = attempt_all) -> list[View]:
    """One row for each attempt of each process. Raises EstateError, LedgerUnavailable where one cannot be asked."""
    with _bait(parts) as bait:
        own, ledger, others = await asyncio.gather(
            asyncio.to_thread(attempt_all, bait),
            parts.ledger.try_egress(bait),
            parts.supervisor.try_egress(bait),
        )
    control = Tried(process="control", pid=os.getpid(), attempts=own)
    engines = (await parts.supervisor.processes()).engines
    everything = (*others, control, ledger, *_engines(engines))
    return [row for tried in everything for row in rows_of(tried, sealed=parts.sealed)]


@contextmanager
def _bait(parts: Parts) -> Iterator[Bait]:
    """Listeners of this check's own that whoever is not kept from it can connect to."""
    public = urlsplit(parts.listening.base_url)
    abstract = f"freehold-egress-check-{token_hex(8)}"
    with ExitStack() as opened:
        path = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="freehold-")), "foreign.sock")
        for name in (str(path), f"\0{abstract}"):
            listener = opened.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            listener.bind(name)
            listener.listen()
        yield Bait(
            supervisor=os.getppid(),
            port_host=public.hostname or "",
            port=public.port or 0,
            path=str(path),
            abstract=abstract,
        )


def _engines(engines: Iterable[EngineStatus]) -> Iterator[Tried]:
    """An engine is not asked to try: its jail said what it holds before a weight was read."""
    for engine in engines:
        if engine.pid:
            jail = engine.jail
            attempts = (
                _denied("network", "it is in a network namespace of its own", denied=jail.network_namespace),
                _denied("connect", _ALONE if jail.left else "connect(2) is refused to it", denied=jail.seccomp),
                _denied("files", _SHOWN if jail.left else _OWN, denied=jail.landlock),
            )
            yield Tried(process=f"engine {engine.target}", pid=engine.pid, attempts=attempts)


def _denied(name: str, how: str, *, denied: bool) -> Attempt:
    if denied:
        return Attempt(name=name, outcome=Reach.REFUSED, reason=how)
    return Attempt(name=name, outcome=Reach.POSSIBLE, reason="its jail lacks this part; 'freehold status' says why")


def rows_of(tried: Tried, *, sealed: bool) -> Iterator[View]:
    """One process's part of the answer."""
    if not tried.attempts:
        silent = Attempt(name="answer", outcome=Reach.FAILED, reason="it did not say in time what it could reach")
        yield _row(tried, silent, Verdict.FAIL)
    for attempt in tried.attempts:
        if attempt.outcome is Reach.POSSIBLE:
            yield _row(tried, attempt, Verdict.FAIL if sealed else Verdict.OPEN)
        else:
            yield _row(tried, attempt, Verdict.OK)


def _row(tried: Tried, attempt: Attempt, verdict: Verdict) -> View:
    return {
        "process": tried.process,
        "pid": tried.pid or None,
        "attempt": attempt.name,
        "outcome": attempt.outcome,
        "reason": attempt.reason,
        "verdict": verdict,
    }
