# SPDX-License-Identifier: Apache-2.0
"""Where an estate listens, by its settings and the ports that it was started with, and whether it could."""

from freehold.admin.doctor import Check, Finding
from freehold.admin.interface import Listening
from freehold.bootstrap.listeners import base_url, check_listeners, check_tiles_listener, is_loopback
from freehold.errors import EstateError
from freehold.settings import ListenSection, Settings


def listening_at(listen: ListenSection, *, port: int | None = None, admin_port: int | None = None) -> Listening:
    """The addresses; a port that is not given is the one in the settings."""
    return Listening(
        base_url=base_url(listen, host=listen.host, port=port or listen.port),
        admin_url=base_url(listen, host=listen.admin_host, port=admin_port or listen.admin_port),
        unencrypted=not (is_loopback(listen.host) or (listen.tls_cert and listen.tls_key)),
    )


def check_ports(settings: Settings) -> Check:
    """Whether the ports could be opened now, by an estate that is down."""
    listen = settings.listen
    try:
        check_listeners(listen, port=listen.port, admin_port=listen.admin_port, plaintext=True)
        check_tiles_listener(settings, plaintext=True)
    except EstateError as problem:
        return Check(name="ports", finding=Finding.FAIL, what=problem.message, advice=problem.advice)
    return Check(name="ports", finding=Finding.OK, what=f"ports {listen.port} and {listen.admin_port} are free")
