# SPDX-License-Identifier: Apache-2.0
"""The control process: owns the admin port, state.db and the configuration, and publishes one snapshot."""

import argparse
import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import uvloop
from granian.server.embed import Server

from freehold.admin.activity import STEP_S, Activity
from freehold.admin.doors import OWN_USER, AdminPort, ControlSocket
from freehold.admin.http import AdminApp
from freehold.admin.interface import Listening, Parts
from freehold.admin.operations import Asker, Operations
from freehold.admin.processes import SupervisorSocket
from freehold.admin.publish import Publisher
from freehold.admin.requests import Nothing
from freehold.admin.state import State
from freehold.admin.watched import PATHS, Watched
from freehold.bootstrap.front import Front, front_of
from freehold.bootstrap.listeners import check_admin_private, is_loopback, open_listener, tls_file
from freehold.bootstrap.listening import listening_at
from freehold.bootstrap.process import common_arguments, end_with, log_to_stderr
from freehold.bootstrap.serving import server_of, server_on_socket
from freehold.contract.estate import Estate
from freehold.egress.asking import asking
from freehold.errors import EstateError, FreeholdError, OperatorError
from freehold.ledger.client import LedgerClient
from freehold.settings import ListenSection, read_settings
from freehold.vault import Vault, own_signer
from freehold.vault.downloading import ask_nobody
from freehold.vault.fetching import fetch_nothing
from freehold.vault.hub.repository import client_hub, no_hub

Serving = asyncio.Future[None]  # done when the server ends, for whatever reason

_log = logging.getLogger(__name__)
_DAY_LOOKED_AT_EVERY_S = 60.0
_LOOKED_AT_EVERY_S = 0.2  # hours that have come, and reports
_CONNECTIONS = 512  # at the admin port at once


def main() -> None:
    """The control process, until SIGTERM."""
    parser = common_arguments("The control process of one estate; 'freehold up' starts it.")
    parser.add_argument("--no-tcp", action="store_true", help="open the control socket only, and no admin port")
    options = parser.parse_args()
    log_to_stderr("control", options.estate)
    end_with(options.supervisor)
    os.umask(0o077)
    try:
        uvloop.run(_run(Estate.find(options.estate), options))
    except OperatorError as problem:
        sys.exit(f"freehold: {problem.message}")


async def _run(estate: Estate, options: argparse.Namespace) -> None:
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    Vault(estate.vault).settle()
    settings = read_settings(estate.settings)
    listen = settings.listen
    admin_port = options.admin_port or listen.admin_port
    listening = listening_at(listen, port=options.port, admin_port=admin_port)
    async with _parts(estate, listening, settings.vault.hub, sealed=options.sealed) as parts:
        operations = Operations(parts, settings)
        await operations.start()
        async with AsyncExitStack() as stack:
            reloading = asyncio.create_task(_reload_on_hangup(operations))
            stack.callback(reloading.cancel)
            days = asyncio.create_task(_turn_days(operations))
            stack.callback(days.cancel)
            sampling = asyncio.create_task(_sample(operations.activity))
            stack.callback(sampling.cancel)
            looking = asyncio.create_task(_turn(operations))
            looking.add_done_callback(lambda _: told.set())  # without it no directive would take effect
            stack.callback(looking.cancel)
            if not options.no_tcp:  # for an act alone nobody is asked
                witnessing = asyncio.create_task(operations.witnessing.run())
                witnessing.add_done_callback(_tell_of_end)
                stack.callback(witnessing.cancel)
            socket = ControlSocket(parts.state)
            app = Front(AdminApp(operations, socket), dict.fromkeys(PATHS, Watched(operations, socket, is_open=True)))
            serving = [await stack.enter_async_context(serving_on_socket(app, estate.control_socket))]
            if not options.no_tcp:
                check_admin_private(listen, plaintext=options.plaintext)
                door = AdminPort(parts.state, host=listen.admin_host, sessions=operations.sessions)
                watched = Watched(operations, door, is_open=is_loopback(listen.admin_host))
                tls = (estate, listen) if listening.admin_url.startswith("https:") else None
                unencrypted = tls is None and not is_loopback(listen.admin_host)
                signals = dict.fromkeys(PATHS, watched)
                front = front_of(operations, door, settings.estate.origin, signals, unencrypted=unencrypted)
                port = serving_on_port(front, listen.admin_host, admin_port, tls, listener=options.listener)
                serving.append(await stack.enter_async_context(port))
            for server in serving:
                server.add_done_callback(lambda _: told.set())  # one that ends by itself ends this process
            await told.wait()


async def _reload_on_hangup(operations: Operations) -> None:
    """Do at SIGHUP what 'freehold reload' does. Signals that come while it is being done count as one."""
    hung_up = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hung_up.set)
    while True:
        await hung_up.wait()
        hung_up.clear()
        try:
            told = await operations.reload(Nothing(), Asker(id=OWN_USER, progress=lambda _: None))
            _log.info("reloaded, as SIGHUP asks: %s", told["reload"])
        except FreeholdError as problem:
            _log.error("not reloaded, and all that was in force stays: %s", problem.message)


async def _sample(activity: Activity) -> None:
    """Keep what gateways counted of late, for the console."""
    while True:
        activity.take(time.time())
        await asyncio.sleep(STEP_S)


async def _turn_days(operations: Operations) -> None:
    """Apply what changes with the date. Looked at often, because a machine may sleep, or have its clock set."""
    while True:
        await asyncio.sleep(_DAY_LOOKED_AT_EVERY_S)
        try:
            if await operations.turn_day():
                _log.info("another day: the facts in force have changed")
        except OperatorError as problem:
            _log.error("another day: %s", problem.message)


async def _turn(operations: Operations) -> None:
    """Have directives take effect at their hour, and heed what gateways report."""
    while True:
        await asyncio.sleep(_LOOKED_AT_EVERY_S)
        try:
            await operations.withdrawals.turn()
        except OperatorError as problem:
            _log.error("withdrawals: %s", problem.message)


def _tell_of_end(witnessing: asyncio.Task[None]) -> None:
    """That the ledger is no longer witnessed stops nothing else."""
    if not witnessing.cancelled() and (problem := witnessing.exception()) is not None:
        _log.critical("the ledger is not witnessed any more", exc_info=problem)


@asynccontextmanager
async def _parts(estate: Estate, listening: Listening, hub: str, *, sealed: bool) -> AsyncIterator[Parts]:
    state = State(estate.state)
    ledger = LedgerClient(estate.ledger_socket, identity=f"control-{os.getpid()}")
    publisher = Publisher()
    try:
        await ledger.start()
        await publisher.open(estate.snapshot_socket)
        yield Parts(
            estate=estate,
            listening=listening,
            state=state,
            vault=Vault(
                estate.vault,
                fetch=fetch_nothing if sealed else None,
                ask=ask_nobody if sealed else asking,
                hub=no_hub if sealed else client_hub(hub, estate.vault),
                signer=partial(own_signer, estate),
            ),
            ledger=ledger,
            publisher=publisher,
            supervisor=SupervisorSocket(estate.supervisor_socket),
            sealed=sealed,
        )
    finally:
        publisher.close()
        await ledger.close()
        state.close()


@asynccontextmanager
async def serving_on_socket(app: AdminApp | Front, path: Path) -> AsyncIterator[Serving]:
    """Serve on a unix socket that only its owner can open, in place of one that a killed process left."""
    async with _running(app, server_on_socket(app, path), str(path)) as serving:
        yield serving


@asynccontextmanager
async def serving_on_port(
    app: AdminApp | Front,
    host: str,
    port: int,
    tls: tuple[Estate, ListenSection] | None = None,
    *,
    listener: int | None = None,
) -> AsyncIterator[Serving]:
    """Serve on a TCP port, or on the descriptor of one; with the certificate of the settings if they are given."""
    server = server_of(
        app,
        listener=open_listener(host, port).detach() if listener is None else listener,
        backpressure=_CONNECTIONS,
        ssl_cert=tls_file(tls[0], tls[1].tls_cert) if tls else None,
        ssl_key=tls_file(tls[0], tls[1].tls_key) if tls else None,
    )
    async with _running(app, server, f"port {port} on {host}") as serving:
        yield serving


@asynccontextmanager
async def _running(app: AdminApp | Front, server: Server, what: str) -> AsyncIterator[Serving]:
    serving = asyncio.ensure_future(server.serve())
    await asyncio.sleep(0)  # by now it listens, or has failed to
    if serving.done():
        hint = "Another process may have it; 'freehold up --port P --admin-port Q' takes others."
        raise EstateError(f"{what} cannot be opened", hint=hint) from serving.exception()
    try:
        yield serving
    finally:
        app.stop()
        server.stop()  # type: ignore[no-untyped-call]  # granian has no annotation on it
        await serving


if __name__ == "__main__":
    main()
