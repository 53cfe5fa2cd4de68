# SPDX-License-Identifier: Apache-2.0
"""The tiles process: gives the log's public files out over HTTP. It can read the log's directory and nothing else.

It opens its port first, then locks itself in as an engine does: no file but those of the log, and the certificate where
it serves TLS; no network but what comes to its port, no connection of its own, no other program.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
from argparse import Namespace
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from granian.server.embed import Server

from freehold.api.rsgi import Exchange, Scope
from freehold.bootstrap.listeners import is_loopback, open_listener, tls_file
from freehold.bootstrap.process import common_arguments, log_to_stderr
from freehold.bootstrap.serving import server_of
from freehold.contract.estate import Estate
from freehold.contract.grant import Place
from freehold.engine import jail
from freehold.errors import OperatorError
from freehold.ledger.public.files import PublicFiles
from freehold.seal.landlock import READ, Access, Grant
from freehold.settings import Settings, read_settings

_log = logging.getLogger(__name__)
_READERS = 4  # threads: a bundle is compressed in one of them
_CONNECTIONS = 512


def main() -> None:
    """The tiles process, until SIGTERM."""
    options = common_arguments("Serves the log of one estate over HTTP; 'freehold up' starts it.").parse_args()
    log_to_stderr("tiles", options.estate)
    estate = Estate.find(options.estate)
    try:
        _serve(estate, read_settings(estate.settings), options)
    except OperatorError as problem:
        sys.exit(f"freehold: {problem.message}")


class TilesApp:
    """The RSGI application. Files are read in threads, so that a slow disk holds up nobody else."""

    def __init__(self, files: PublicFiles) -> None:
        self._files = files
        self._readers = ThreadPoolExecutor(_READERS, "tiles")

    async def __rsgi__(self, scope: Scope, exchange: Exchange) -> None:
        """One request."""
        accepted = scope.headers.get("accept-encoding") or ""
        loop = asyncio.get_running_loop()
        reply = await loop.run_in_executor(self._readers, self._files.answer, scope.method, scope.path, accepted)
        exchange.response_bytes(reply.status, list(reply.headers), reply.body)


def _serve(estate: Estate, settings: Settings, options: Namespace) -> None:
    place = settings.ledger.served_at
    if place is None:
        sys.exit("freehold: [ledger] serve names no address")
    listener = _listener(place, options.listener)
    files = PublicFiles(estate.ledger, cosigned=bool(settings.witnesses))
    pair = _certificate(estate, settings, place)
    server = _server(TilesApp(files), listener, pair)
    held = jail.enter(
        jail.Cell(
            parent_pid=options.supervisor or os.getppid(),
            # the server reads the pair as it starts, which it must not do before it is locked in
            grants=(Grant(estate.ledger, READ), *(Grant(path, Access.READ_FILE) for path in pair)),
            descriptors=frozenset({listener.fileno(), files.descriptor}),
        )
    )
    if held.missing:
        _log.warning("this process is not wholly locked in: %s", "; ".join(held.missing))
    if options.sealed and not held.sealed:
        sys.exit("freehold: --sealed wants the tiles process locked in, and this host cannot do it")
    asyncio.run(_serve_until_told(server))
    logging.shutdown()
    # Not by way of the interpreter's own end: a thread of the server that still wants it would abort the process.
    os._exit(0)


def _listener(place: Place, given: int | None) -> socket.socket:
    return open_listener(place.host, place.port) if given is None else socket.socket(fileno=given)


def _certificate(estate: Estate, settings: Settings, place: Place) -> tuple[Path, ...]:
    """The public port's certificate and key, for any host but loopback."""
    certificate, key = tls_file(estate, settings.listen.tls_cert), tls_file(estate, settings.listen.tls_key)
    return (certificate, key) if certificate and key and not is_loopback(place.host) else ()


def _server(app: TilesApp, listener: socket.socket, pair: tuple[Path, ...]) -> Server:
    certificate, key = pair or (None, None)
    return server_of(
        app,
        listener=listener.fileno(),
        backpressure=_CONNECTIONS,
        ssl_cert=certificate,
        ssl_key=key,
    )


async def _serve_until_told(server: Server) -> None:
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    serving = asyncio.ensure_future(server.serve())
    telling = asyncio.ensure_future(told.wait())
    await asyncio.wait((serving, telling), return_when=asyncio.FIRST_COMPLETED)
    telling.cancel()
    server.stop()  # type: ignore[no-untyped-call]  # granian has no annotation on it
    await serving


if __name__ == "__main__":
    main()
