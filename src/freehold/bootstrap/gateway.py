# SPDX-License-Identifier: Apache-2.0
"""The gateway process: owns the public port and the calls in flight."""

import asyncio
import os
import signal

import uvloop
from granian.server.embed import Server

from freehold.api.gateway import Gateway
from freehold.api.subscription import follow_snapshots
from freehold.bootstrap.listeners import DRAIN_S, tls_file
from freehold.bootstrap.process import common_arguments, end_with, log_to_stderr
from freehold.contract.estate import Estate
from freehold.engine.client import Engines
from freehold.ledger.client import LedgerClient
from freehold.settings import read_settings

_CONCURRENT_CALLS = 4096


def main() -> None:
    """One gateway, until SIGTERM."""
    options = common_arguments("A gateway process of one estate; 'freehold up' starts it.").parse_args()
    log_to_stderr()
    end_with(options.supervisor)
    uvloop.run(_run(Estate.find(options.estate), options.port))


async def _run(estate: Estate, port: int | None) -> None:
    identity = f"gateway-{os.getpid()}-{os.urandom(4).hex()}"
    ledger = LedgerClient(estate.ledger_socket, identity=identity)
    engines = Engines(estate.supervisor_socket)
    gateway = Gateway(identity, ledger, engines)
    await ledger.start()
    await engines.start()
    following = asyncio.create_task(follow_snapshots(estate.snapshot_socket, gateway))
    try:
        await _serve_until_told(_server(estate, gateway, port), gateway)
    finally:
        following.cancel()
        await engines.close()
        await ledger.close()


async def _serve_until_told(server: Server, gateway: Gateway) -> None:
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    serving = asyncio.create_task(server.serve())
    telling = asyncio.create_task(told.wait())
    await asyncio.wait((serving, telling), return_when=asyncio.FIRST_COMPLETED)
    telling.cancel()
    await gateway.drain(DRAIN_S)
    server.stop()  # type: ignore[no-untyped-call]  # granian has no annotation on it
    await serving


def _server(estate: Estate, gateway: Gateway, port: int | None) -> Server:
    listen = read_settings(estate.settings).listen
    return Server(
        gateway,
        address=listen.host,
        port=port or listen.port,
        websockets=False,
        log_enabled=False,
        backlog=1024,
        backpressure=_CONCURRENT_CALLS,
        ssl_cert=tls_file(estate, listen.tls_cert),
        ssl_key=tls_file(estate, listen.tls_key),
    )


if __name__ == "__main__":
    main()
