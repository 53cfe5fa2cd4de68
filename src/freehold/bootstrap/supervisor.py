# SPDX-License-Identifier: Apache-2.0
"""The supervisor: starts and watches every process of one estate, and stops what it started, nothing else."""

import asyncio
import logging
import os
import signal
import socket
import sys
import time
from argparse import Namespace
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from freehold.admin.sealing import require_owned
from freehold.admin.trusting import trust_of
from freehold.bootstrap.listeners import check_listeners, check_tiles_listener, open_listener, reachable_host
from freehold.bootstrap.process import arguments_of, common_arguments, end_with, has_terminal, log_to_stderr
from freehold.channel import connect, reachable_path
from freehold.contract.estate import Estate
from freehold.contract.report import ProcessReport
from freehold.contract.weights import VerifiedWeights
from freehold.engine.fleet import EngineFleet
from freehold.engine.service import SupervisorService
from freehold.engine.supervise import Child, Patience, Program, Watch, always
from freehold.errors import EstateError, OperatorError
from freehold.files.held import hold_within
from freehold.seal.entering import prove, seal
from freehold.seal.warden import GIVEN_AS
from freehold.settings import ListenSection, Settings, read_settings
from freehold.vault import Vault

_log = logging.getLogger(__name__)
_POLL_S = 0.02
_LOOKED_AT_S = 0.5  # a command that looks whether the estate is up shares the lock for a moment
_AFTER_CALLS_S = 5.0  # for a gateway to end, once its calls have or are cut


def main() -> None:
    """One estate, until SIGTERM."""
    parser = common_arguments("The supervisor of one estate; 'freehold up' starts it.")
    parser.add_argument(GIVEN_AS, type=int, help="descriptor of the warden that connects for a sealed estate")
    parser.add_argument("--acts-only", action="store_true", help="no gateway and no engine: for acts while it is down")
    options = parser.parse_args()
    options.sealed, options.since_unix = options.warden is not None, time.time()
    log_to_stderr("supervisor", options.estate)
    end_with(options.supervisor)
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
        ports = _ports(settings.listen, options)
        if not options.acts_only:
            check_listeners(settings.listen, **ports, plaintext=options.plaintext)
            check_tiles_listener(settings, plaintext=options.plaintext)
        if options.sealed:
            require_owned(settings)
        await _run(estate, settings, options, told)
    _log.info("all stopped")


@contextmanager
def _only_one(estate: Estate) -> Iterator[None]:
    """Hold the estate's lock, with this process's id in it. Raises EstateError if another supervisor has it."""
    estate.run.mkdir(mode=0o700, exist_ok=True)
    with estate.lock.open("a+b") as lock:
        if not hold_within(lock.fileno(), _LOOKED_AT_S):
            raise EstateError(f"{estate.directory} is already up", hint="'freehold status' shows it.")
        lock.truncate(0)
        lock.write(b"%d\n" % os.getpid())
        lock.flush()
        yield


async def _run(estate: Estate, settings: Settings, options: Namespace, told: asyncio.Event) -> None:
    """Start from the ledger up, so that whoever comes later finds what it needs; stop in the opposite order."""
    fleet = EngineFleet(
        estate,
        {} if options.acts_only else settings.engines,
        partial(_verified, estate, settings),
        sealed=options.sealed,
    )
    given = _seal(estate, settings, options) if options.sealed else {}
    children: list[Child] = []
    service = SupervisorService(fleet, lambda: (*_warden(options), *(child.report for child in children)))
    listener = await service.listen(estate.supervisor_socket)
    if options.sealed:
        prove(reachable_path(estate.supervisor_socket))
    children += _children(estate, settings, options, given, service)
    fleet.start()
    for child in children:
        child.start()
    _on_hangup(told, next(child for child in children if child.report.name == "control"))
    try:
        await told.wait()
        gone = options.sealed and os.getppid() != options.supervisor
        _log.info("%s", "the warden is gone, so nothing can connect any more" if gone else "told to stop")
    finally:
        gateways = [child for child in children if child.report.name == "gateway"]
        await asyncio.gather(*(gateway.stop() for gateway in gateways))  # they let their calls finish
        await fleet.close()
        for child in reversed(children):
            await child.stop()
        listener.close()


def _on_hangup(told: asyncio.Event, control: Child) -> None:
    """SIGHUP: the terminal that the estate runs on is gone, and so is the estate; without one it means 'reload'."""
    heed = told.set if has_terminal() else partial(control.tell, signal.SIGHUP)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, heed)


def _verified(estate: Estate, settings: Settings, target: str) -> VerifiedWeights:
    model, trust = settings.engines[target].model, trust_of(estate, settings)
    weights = Vault(estate.vault).open_verified(model, trust, recheck_all=settings.vault.recheck == "always")
    _log.info("%s may run: %s; its weights: %s", model, weights.standing, weights.assurance)
    return weights


def _seal(estate: Estate, settings: Settings, options: Namespace) -> Mapping[str, socket.socket]:
    """Open what must be open, then seal this process and all that it will start. The ports, by who is to have them."""
    listen, place = settings.listen, settings.ledger.served_at
    ports = _ports(listen, options)
    given = {}
    if not options.acts_only:
        given = {
            "control": open_listener(listen.admin_host, ports["admin_port"]),
            "gateway": open_listener(listen.host, ports["port"]),
        }
        if place is not None:
            given["tiles"] = open_listener(place.host, place.port)
    seal(options.warden, movable=estate.kept)
    _log.info("sealed: no process of this estate can connect to anything but the estate")
    return given


def _ports(listen: ListenSection, options: Namespace) -> dict[str, int]:
    return {"port": options.port or listen.port, "admin_port": options.admin_port or listen.admin_port}


def _warden(options: Namespace) -> Iterator[ProcessReport]:
    """It started this process, and lives as long."""
    if options.sealed:
        yield ProcessReport(name="warden", pid=options.supervisor, state="running", since_unix=options.since_unix)


def _children(
    estate: Estate,
    settings: Settings,
    options: Namespace,
    given: Mapping[str, socket.socket],
    service: SupervisorService,
) -> list[Child]:
    """The processes that are not engines, in the order in which they need each other."""
    common = ["--sealed"] if options.sealed else []
    ledger = _child(estate, "ledger", common, partial(_listens, estate.ledger_socket))
    if options.acts_only:
        return [ledger, _child(estate, "control", [*common, "--no-tcp"], partial(_listens, estate.control_socket))]
    said = common + arguments_of(port=options.port, admin_port=options.admin_port, plaintext=options.plaintext)
    listen, finished_s = settings.listen, settings.gateway.finished_within_s
    public = partial(_followed, service) if given else partial(_accepts, listen.host, options.port or listen.port)
    return [
        ledger,
        _child(estate, "control", said, partial(_listens, estate.control_socket), given.get("control")),
        *_tiles(estate, settings, common, given),
        _child(estate, "gateway", said, public, given.get("gateway"), grace_s=finished_s + _AFTER_CALLS_S),
    ]


def _tiles(
    estate: Estate, settings: Settings, arguments: list[str], given: Mapping[str, socket.socket]
) -> Iterator[Child]:
    """The process that serves the log, where it is to be served."""
    place = settings.ledger.served_at
    if place is not None:
        accepts = _is_open if given else partial(_accepts, place.host, place.port)
        yield _child(estate, "tiles", arguments, accepts, given.get("tiles"))


def _child(  # noqa: PLR0913 - what a process is made of
    estate: Estate,
    name: str,
    arguments: list[str],
    connects: Callable[[], Awaitable[None]],
    port: socket.socket | None = None,
    *,
    grace_s: float = 10.0,
) -> Child:
    program = [sys.executable, "-m", f"freehold.bootstrap.{name}"]
    said = ["--estate", str(estate.directory), "--supervisor", str(os.getpid()), *arguments]
    if port is not None:
        said += ["--listener", str(port.fileno())]
    return Child(
        name,
        always(Program(argv=program + said, env=os.environ, pass_fds=[port.fileno()] if port else [])),
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


async def _followed(service: SupervisorService) -> None:
    """A sealed process reaches no port, and a port that it holds itself takes connections before there is a gateway."""
    if not service.followed:
        raise ConnectionError


async def _is_open() -> None:
    """A port that the supervisor opened takes connections from the start, and a sealed supervisor can try none."""


async def _accepts(host: str, port: int) -> None:
    _, writer = await asyncio.open_connection(reachable_host(host), port)
    writer.close()


if __name__ == "__main__":
    main()
