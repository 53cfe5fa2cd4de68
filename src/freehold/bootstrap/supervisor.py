# SPDX-License-Identifier: Apache-2.0
"""The supervisor: starts and watches every process of one estate, and stops what it started, nothing else."""

import asyncio
import fcntl
import logging
import os
import signal
import sys
from argparse import Namespace
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from freehold.bootstrap.listeners import DRAIN_S, check_listeners, reachable_host
from freehold.bootstrap.process import arguments_of, common_arguments, log_to_stderr
from freehold.channel import connect
from freehold.contract.estate import Estate
from freehold.contract.weights import VerifiedWeights
from freehold.engine.fleet import EngineFleet
from freehold.engine.service import SupervisorService
from freehold.engine.supervise import Child, Patience, Program, Watch, always
from freehold.errors import EstateError, OperatorError
from freehold.settings import Settings, read_settings
from freehold.vault import Vault

_log = logging.getLogger(__name__)
_POLL_S = 0.02


def main() -> None:
    """One estate, until SIGTERM."""
    parser = common_arguments("The supervisor of one estate; 'freehold up' starts it.")
    parser.add_argument("--sealed", action="store_true", help="run no engine that is not wholly jailed")
    parser.add_argument("--acts-only", action="store_true", help="no gateway and no engine: for acts while it is down")
    options = parser.parse_args()
    log_to_stderr()
    try:
        asyncio.run(_supervise(Estate.find(options.estate), options))
    except OperatorError as problem:
        sys.exit(f"freehold: {problem.message}")


async def _supervise(estate: Estate, options: Namespace) -> None:
    settings = read_settings(estate.settings)
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    with _only_one(estate):
        if not options.acts_only:
            listen = settings.listen
            check_listeners(
                listen,
                port=options.port or listen.port,
                admin_port=options.admin_port or listen.admin_port,
                plaintext=options.plaintext,
            )
        await _run(estate, settings, options, told)
    _log.info("all stopped")


@contextmanager
def _only_one(estate: Estate) -> Iterator[None]:
    """Hold the estate's lock, with this process's id in it. Raises EstateError if another supervisor has it."""
    estate.run.mkdir(mode=0o700, exist_ok=True)
    with estate.lock.open("a+b") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise EstateError(f"{estate.directory} is already up", hint="'freehold status' shows it.") from exc
        lock.truncate(0)
        lock.write(b"%d\n" % os.getpid())
        lock.flush()
        yield


async def _run(estate: Estate, settings: Settings, options: Namespace, told: asyncio.Event) -> None:
    """Start from the ledger up, so that whoever comes later finds what it needs; stop in the opposite order."""
    fleet = EngineFleet(
        estate,
        {} if options.acts_only else settings.targets,
        partial(_verified, Vault(estate.vault), settings),
        sealed=options.sealed,
    )
    children = _children(estate, settings, options)
    service = SupervisorService(fleet, lambda: tuple(child.report for child in children))
    listener = await service.listen(estate.supervisor_socket)
    fleet.start()
    for child in children:
        child.start()
    try:
        await told.wait()
        _log.info("told to stop")
    finally:
        gateways = [child for child in children if child.report.name == "gateway"]
        await asyncio.gather(*(gateway.stop() for gateway in gateways))  # they let their calls finish
        await fleet.close()
        for child in reversed(children):
            await child.stop()
        listener.close()


def _verified(vault: Vault, settings: Settings, target: str) -> VerifiedWeights:
    return vault.open_verified(settings.targets[target].model)


def _children(estate: Estate, settings: Settings, options: Namespace) -> list[Child]:
    """The processes that are not engines, in the order in which they need each other."""
    ledger = _child(estate, "ledger", [], partial(_listens, estate.ledger_socket))
    if options.acts_only:
        return [ledger, _child(estate, "control", ["--no-tcp"], partial(_listens, estate.control_socket))]
    given = arguments_of(port=options.port, admin_port=options.admin_port, plaintext=options.plaintext)
    listen = settings.listen
    public = partial(_accepts, listen.host, options.port or listen.port)
    return [
        ledger,
        _child(estate, "control", given, partial(_listens, estate.control_socket)),
        _child(estate, "gateway", given, public, grace_s=DRAIN_S + 2),
    ]


def _child(
    estate: Estate,
    name: str,
    arguments: list[str],
    connects: Callable[[], Awaitable[None]],
    *,
    grace_s: float = 10.0,
) -> Child:
    program = [sys.executable, "-m", f"freehold.bootstrap.{name}"]
    given = ["--estate", str(estate.directory), "--supervisor", str(os.getpid()), *arguments]
    return Child(
        name,
        always(Program(argv=program + given, env=os.environ)),
        Watch(ready=partial(_until, connects)),
        log=estate.logs / f"{name}.log",
        patience=Patience(grace_s=grace_s),
    )


async def _until(connects: Callable[[], Awaitable[None]]) -> None:
    while True:
        with suppress(OSError):
            return await connects()
        await asyncio.sleep(_POLL_S)


async def _listens(socket: Path) -> None:
    channel = await connect(socket, None)
    channel.close()


async def _accepts(host: str, port: int) -> None:
    _, writer = await asyncio.open_connection(reachable_host(host), port)
    writer.close()


if __name__ == "__main__":
    main()
