# SPDX-License-Identifier: Apache-2.0
"""The process of a witness: its own key, directory and port. Needs no estate, and knows none."""

import asyncio
import logging
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import uvloop
from granian.server.embed import Server

from freehold.bootstrap.listeners import is_loopback, open_listener
from freehold.bootstrap.process import log_to_stderr
from freehold.bootstrap.serving import server_of
from freehold.errors import EstateError
from freehold.witness.serving.home import Home
from freehold.witness.serving.http import WitnessApp

_AT_ONCE = 256  # requests; more wait in the kernel's queue
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessListener:
    """Where a witness listens. Any host but loopback needs TLS, or ``plaintext``."""

    host: str
    port: int
    tls_cert: Path | None = None
    tls_key: Path | None = None
    plaintext: bool = False

    def check(self) -> None:
        """Raises EstateError where plain text would leave this machine without anybody having said so."""
        if bool(self.tls_cert) != bool(self.tls_key):
            raise EstateError("a certificate and its key belong together", hint="Give --tls-cert and --tls-key.")
        if not (is_loopback(self.host) or self.tls_cert or self.plaintext):
            raise EstateError(
                f"{self.host} is not this machine alone, and there is no TLS",
                hint="Give --tls-cert and --tls-key, or say --plaintext, where a proxy of yours ends TLS.",
            )


def serve_witness(directory: Path, listener: WitnessListener) -> None:
    """Be a witness until SIGTERM or Ctrl-C. Raises OperatorError."""
    listener.check()
    log_to_stderr("witness")
    os.umask(0o077)
    home = Home(directory, now_unix=time.time)
    try:
        uvloop.run(_serve(home, listener))
    finally:
        home.close()


async def _serve(home: Home, listener: WitnessListener) -> None:
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    server = server_of(
        WitnessApp(home.witness),
        listener=open_listener(listener.host, listener.port).detach(),  # the server closes it
        backpressure=_AT_ONCE,
        ssl_cert=listener.tls_cert,
        ssl_key=listener.tls_key,
    )
    serving = asyncio.ensure_future(server.serve())
    serving.add_done_callback(lambda _: told.set())
    _log.info("witness %s watches %d logs on port %d", home.name, home.watched, listener.port)
    await told.wait()
    await _stop(server, serving)


async def _stop(server: Server, serving: "asyncio.Future[None]") -> None:
    if serving.done():
        serving.result()
        raise EstateError("the listener ended by itself")
    server.stop()  # type: ignore[no-untyped-call]  # granian has no annotation on it
    await serving
