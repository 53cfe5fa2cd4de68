# SPDX-License-Identifier: Apache-2.0
"""The HTTP servers of a process: on a port that was opened for it, and on a unix socket.

They speak HTTP/1.1 alone, as the public port does. Where HTTP/2 is offered too, browsers choose it over TLS, and its
requests have no Host header for a door to look at; and a connection that says nothing is waited for without end.
"""

from pathlib import Path
from typing import Any

from granian.constants import HTTPModes
from granian.http import HTTP1Settings
from granian.net import SocketHolder  # type: ignore[attr-defined]  # not marked as exported
from granian.server.embed import Server

from freehold.channel import reachable_path

_HEAD_WITHIN_MS = 10_000  # a connection that sends no request head for so long is closed
_PLAIN: dict[str, Any] = {
    "http": HTTPModes.http1,
    "http1_settings": HTTP1Settings(header_read_timeout=_HEAD_WITHIN_MS),
    "websockets": False,
    "log_enabled": False,
}


def server_of(app: object, *, listener: int, **settings: Any) -> Server:
    """The server on a port that is open already, by its descriptor, which the server closes."""
    server = _GivenPort(app, **_PLAIN, **settings)
    server.listener = listener
    return server


def server_on_socket(app: object, path: Path) -> Server:
    """The server on a unix socket that only its owner can open, in place of one that a killed process left."""
    path.unlink(missing_ok=True)
    server = Server(app, uds=path, **_PLAIN)
    # granian resolves the name that it is given, and has no argument for the mode where it is embedded
    server.bind_uds = Path(reachable_path(path))
    server.uds_permissions = 0o600
    return server


class _GivenPort(Server):
    """A server that does not open its port."""

    listener: int

    def _init_shared_socket(self) -> None:
        # granian makes a holder of a descriptor to hand one to another process, and declares no arguments for it
        self._shd: Any = SocketHolder(self.listener, False, self.backlog)  # type: ignore[call-arg]  # noqa: FBT003
