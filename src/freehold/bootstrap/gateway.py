# SPDX-License-Identifier: Apache-2.0
"""The gateway process: owns the public port and the calls in flight."""

import argparse
import asyncio
import os
import signal
from collections.abc import Sequence

import uvloop
from granian.server.embed import Server

from freehold.api.gateway import Gateway
from freehold.api.subscription import follow_snapshots
from freehold.bootstrap.backends import EstateBackends
from freehold.bootstrap.listeners import BACKLOG, DRAIN_S, tls_file
from freehold.bootstrap.process import common_arguments, end_with, log_to_stderr
from freehold.bootstrap.serving import server_of, server_on_socket
from freehold.contract.estate import Estate
from freehold.egress.secrets import Secrets
from freehold.engine.client import Engines
from freehold.ledger.client import LedgerClient
from freehold.policy.detect import Detection, Reader
from freehold.provider import Providers
from freehold.settings import read_settings

_CONCURRENT_CALLS = 4096


def main() -> None:
    """One gateway, until SIGTERM."""
    options = common_arguments("A gateway process of one estate; 'freehold up' starts it.").parse_args()
    log_to_stderr()
    end_with(options.supervisor)
    uvloop.run(_run(Estate.find(options.estate), options))


async def _run(estate: Estate, options: argparse.Namespace) -> None:
    identity = f"gateway-{os.getpid()}-{os.urandom(4).hex()}"
    ledger = LedgerClient(estate.ledger_socket, identity=identity)
    engines = Engines(estate.supervisor_socket)
    providers = Providers(estate, Secrets(estate))
    backends = EstateBackends(engines, providers, options.sealed)
    reader = Reader()
    gateway = Gateway(identity, ledger, backends.under, load=lambda: backends.load, detection=Detection(reader))
    await ledger.start()
    await engines.start()
    following = asyncio.create_task(follow_snapshots(estate.snapshot_socket, gateway))
    try:
        servers = (_server(estate, gateway, options), server_on_socket(gateway, estate.gateway_socket))
        await _serve_until_told(servers, gateway)
    finally:
        following.cancel()
        await providers.close()
        await engines.close()
        await ledger.close()
        await reader.aclose()


async def _serve_until_told(servers: Sequence[Server], gateway: Gateway) -> None:
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    serving = [asyncio.create_task(server.serve()) for server in servers]
    telling = asyncio.create_task(told.wait())
    await asyncio.wait((*serving, telling), return_when=asyncio.FIRST_COMPLETED)
    telling.cancel()
    await gateway.drain(DRAIN_S)
    for server in servers:
        server.stop()  # type: ignore[no-untyped-call]  # granian has no annotation on it
    await asyncio.gather(*serving)


def _server(estate: Estate, gateway: Gateway, options: argparse.Namespace) -> Server:
    listen = read_settings(estate.settings).listen
    return server_of(
        gateway,
        listener=options.listener,
        address=listen.host,
        port=options.port or listen.port,
        websockets=False,
        log_enabled=False,
        backlog=BACKLOG,
        backpressure=_CONCURRENT_CALLS,
        ssl_cert=tls_file(estate, listen.tls_cert),
        ssl_key=tls_file(estate, listen.tls_key),
    )


if __name__ == "__main__":
    main()
