# SPDX-License-Identifier: Apache-2.0
"""The gateway process: owns the public port and the calls in flight."""

import argparse
import asyncio
import os
import signal
import socket
import ssl
from functools import partial
from pathlib import Path

import uvloop

from freehold.api.gateway import Gateway
from freehold.api.listener import Listener
from freehold.api.ready import Readiness
from freehold.api.subscription import follow_snapshots
from freehold.api.tracing import Tracer
from freehold.api.watching import Watch
from freehold.bootstrap.backends import EstateBackends, untraced
from freehold.bootstrap.listeners import BACKLOG, open_listener, tls_file
from freehold.bootstrap.process import collect_seldom, common_arguments, end_with, log_to_stderr, open_many_files
from freehold.channel import bind
from freehold.contract.estate import Estate
from freehold.contract.signals import Tracing
from freehold.egress.secrets import Secrets
from freehold.engine.client import Engines
from freehold.ledger.client import LedgerClient
from freehold.policy.detect import Detection, Reader
from freehold.provider import Providers
from freehold.settings import read_settings
from freehold.signals.collector import Collector


def main() -> None:
    """One gateway, until SIGTERM."""
    options = common_arguments("A gateway process of one estate; 'freehold up' starts it.").parse_args()
    log_to_stderr("gateway", options.estate)
    end_with(options.supervisor)
    open_many_files()
    collect_seldom()
    uvloop.run(_run(Estate.find(options.estate), options))


async def _run(estate: Estate, options: argparse.Namespace) -> None:
    identity = f"gateway-{os.getpid()}-{os.urandom(4).hex()}"
    ledger = LedgerClient(estate.ledger_socket, identity=identity)
    engines = Engines(estate.supervisor_socket)
    providers = Providers(estate, Secrets(estate))
    settings, reader = read_settings(estate.settings), Reader()
    tracer = None if options.sealed else Tracer(partial(_collector, estate, settings.estate.origin, identity))
    backends = EstateBackends(engines, providers, options.sealed, traceparent=tracer.passed_on if tracer else untraced)
    watch = Watch(tracer)
    gateway = Gateway(
        identity,
        ledger,
        backends.under,
        load=lambda: backends.load,
        queued=lambda: engines.queued,
        detection=Detection(reader),
        watch=watch,
        readiness=Readiness(reaches_ledger=lambda: ledger.is_up, sealed=options.sealed),
    )
    await ledger.start()
    await engines.start()
    following = asyncio.create_task(follow_snapshots(estate.snapshot_socket, gateway))
    try:
        listener = Listener(gateway.answer, lambda: gateway.patience)
        await _listen(listener, estate, options)
        await _told_to_stop()
        await gateway.drain(settings.gateway.finished_within_s)
        await listener.close()
    finally:
        following.cancel()
        await asyncio.wait((following,))  # its last word goes out
        await watch.close()
        providers.close()
        await engines.close()
        await ledger.close()
        await reader.aclose()


def _collector(estate: Estate, origin: str, identity: str, tracing: Tracing) -> Collector:
    return Collector(tracing, origin=origin, instance=identity, folder=estate.directory)


async def _listen(listener: Listener, estate: Estate, options: argparse.Namespace) -> None:
    """At the public port, and at the estate's own socket."""
    listen = read_settings(estate.settings).listen
    if options.listener is None:
        port = open_listener(listen.host, options.port or listen.port)
    else:
        port = socket.socket(fileno=options.listener)
    certificate, key = tls_file(estate, listen.tls_cert), tls_file(estate, listen.tls_key)
    await listener.listen(port, tls=_tls(certificate, key) if certificate and key else None, backlog=BACKLOG)
    await listener.listen(bind(estate.gateway_socket), backlog=BACKLOG)


def _tls(certificate: Path, key: Path) -> ssl.SSLContext:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.minimum_version = ssl.TLSVersion.TLSv1_3
    tls.set_alpn_protocols(["http/1.1"])
    tls.load_cert_chain(certificate, key)
    return tls


async def _told_to_stop() -> None:
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    await told.wait()


if __name__ == "__main__":
    main()
