# SPDX-License-Identifier: Apache-2.0
"""Whether the two TCP ports may and can be opened, said before anything is started."""

import errno
import ipaddress
import socket
from pathlib import Path

from freehold.contract.estate import Estate
from freehold.errors import EstateError
from freehold.settings import ListenSection, Settings

BACKLOG = 1024  # connections that may wait for a gateway to take them


def check_listeners(listen: ListenSection, *, port: int, admin_port: int, plaintext: bool) -> None:
    """Raises EstateError where a port is taken, a host is not this machine's, or plain text would leave it."""
    if port == admin_port and listen.host == listen.admin_host:
        raise EstateError(f"the public and the admin port are both {port}", hint="Give them two: --port, --admin-port.")
    if not (is_loopback(listen.host) or (listen.tls_cert and listen.tls_key) or plaintext):
        raise EstateError(
            f"listen.host is {listen.host}, which is not this machine alone, and there is no TLS",
            hint="Set listen.tls_cert and listen.tls_key in freehold.toml, or say --plaintext.",
        )
    check_admin_private(listen, plaintext=plaintext)
    _check_free(listen.host, port, "--port")
    _check_free(listen.admin_host, admin_port, "--admin-port")


def check_admin_private(listen: ListenSection, *, plaintext: bool) -> None:
    """Raises EstateError where operators' tokens would cross a network in plain text without anybody having said so."""
    under_tls = listen.tls_cert and listen.tls_key and listen.admin_host == listen.host
    if not (is_loopback(listen.admin_host) or under_tls or plaintext):
        raise EstateError(
            f"listen.admin_host is {listen.admin_host}, and operators' tokens would cross the network in plain text",
            hint="Leave the admin port on loopback, give it the public port's host and TLS, or say --plaintext.",
        )


def check_tiles_listener(settings: Settings, *, plaintext: bool) -> None:
    """The same for where the log is served, if it is."""
    place, listen = settings.ledger.served_at, settings.listen
    if place is None:
        return
    if not (is_loopback(place.host) or (listen.tls_cert and listen.tls_key) or plaintext):
        raise EstateError(
            f"ledger.serve is {place}, which is not this machine alone, and there is no TLS",
            hint="Set listen.tls_cert and listen.tls_key in freehold.toml, or say --plaintext.",
        )
    _check_free(place.host, place.port, "ledger.serve")


def open_listener(host: str, port: int) -> socket.socket:
    """The port, opened for a process that may open none itself. Raises EstateError."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        both = family == socket.AF_INET6 and socket.has_dualstack_ipv6()  # [::] is IPv4's port too, as elsewhere
        listener = socket.create_server(address, family=family, backlog=BACKLOG, dualstack_ipv6=both)
    except OSError as exc:
        raise EstateError(f"port {port} on {host} cannot be opened", hint="'freehold doctor' looks at ports.") from exc
    listener.setblocking(False)  # noqa: FBT003
    return listener


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def base_url(listen: ListenSection, *, host: str, port: int) -> str:
    """How a client on this machine reaches a listener."""
    shown = reachable_host(host)
    scheme = "https" if listen.tls_cert and host == listen.host else "http"
    return f"{scheme}://[{shown}]:{port}" if ":" in shown else f"{scheme}://{shown}:{port}"


def reachable_host(host: str) -> str:
    """An address under which this machine reaches a listener on ``host``."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - looked up, not bound


def tls_file(estate: Estate, name: str) -> Path | None:
    """A certificate or key named in freehold.toml, relative to the estate."""
    return estate.directory / name if name else None


def _check_free(host: str, port: int, option: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as exc:
            if exc.errno == errno.EADDRINUSE:
                what, hint = "is taken by another process, perhaps another estate", f"Choose another with {option}."
            elif exc.errno == errno.EACCES:
                what, hint = "needs rights that this user does not have", f"Choose one over 1023 with {option}."
            else:
                what, hint = "cannot be opened on this machine", "Correct the host in freehold.toml."
            raise EstateError(f"port {port} on {host} {what}", hint=hint) from exc
