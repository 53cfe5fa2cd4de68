# SPDX-License-Identifier: Apache-2.0
"""A port that is opened for a process that may open none itself."""

import socket

import pytest

from freehold.bootstrap.listeners import check_admin_private, check_tiles_listener, open_listener
from freehold.errors import EstateError
from freehold.settings import ListenSection, Settings, parse_settings

ESTATE = (
    '[estate]\norigin = "a.example/b"\n[service.s]\ntargets = ["t"]\n[target.t]\nengine = "llamacpp"\nmodel = "m"\n'
)
TLS = '[listen]\ntls_cert = "a.pem"\ntls_key = "b.pem"\n'


def serving_at(place: str, more: str = "") -> Settings:
    return parse_settings(f'{ESTATE}{more}[ledger]\nserve = "{place}"\n')


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_it_takes_connections_before_anybody_serves(host: str) -> None:
    with open_listener(host, 0) as listener:
        assert not listener.getblocking()
        with socket.create_connection(listener.getsockname()[:2], timeout=5):
            pass


def test_a_port_that_is_taken_is_said_so() -> None:
    with open_listener("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(EstateError, match=f"port {port} on 127.0.0.1 cannot be opened"):
            open_listener("127.0.0.1", port)


def test_a_log_that_is_served_beyond_this_machine_needs_tls_or_a_word_of_its_operator() -> None:
    with pytest.raises(EstateError, match=r"ledger.serve is 192.0.2.1:8082, .* there is no TLS"):
        check_tiles_listener(serving_at("192.0.2.1:8082"), plaintext=False)
    for settings, plaintext in ((serving_at("192.0.2.1:8082", TLS), False), (serving_at("192.0.2.1:8082"), True)):
        with pytest.raises(EstateError, match="cannot be opened on this machine"):  # nothing else is wrong with it
            check_tiles_listener(settings, plaintext=plaintext)


def test_a_log_is_not_served_at_a_port_that_is_taken() -> None:
    with open_listener("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(EstateError, match=f"port {port} on 127.0.0.1 is taken") as refused:
            check_tiles_listener(serving_at(f"127.0.0.1:{port}"), plaintext=False)
        assert "ledger.serve" in refused.value.advice


def test_a_log_that_is_not_served_needs_nothing() -> None:
    check_tiles_listener(parse_settings(ESTATE), plaintext=False)


def test_operators_tokens_cross_no_network_in_plain_text_unless_somebody_said_so() -> None:
    apart = ListenSection(admin_host="admin.example", tls_cert="c.pem", tls_key="k.pem")
    together = ListenSection(host="admin.example", admin_host="admin.example", tls_cert="c.pem", tls_key="k.pem")
    with pytest.raises(EstateError, match=r"listen\.admin_host is admin\.example"):
        check_admin_private(apart, plaintext=False)
    check_admin_private(apart, plaintext=True)
    check_admin_private(together, plaintext=False)
    check_admin_private(ListenSection(host="0.0.0.0", admin_host="::1"), plaintext=False)  # noqa: S104 - not bound
