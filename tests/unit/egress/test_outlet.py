# SPDX-License-Identifier: Apache-2.0
import gc
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from freehold.contract.grant import Allowance, Place
from freehold.egress.outlet import Outlet, opened
from freehold.egress.upstream import Upstream, Upstreams

NOTHING = Allowance()
TUNNEL = "CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n\r\n"
PLAIN = "GET http://{place}/a HTTP/1.1\r\nHost: elsewhere\r\n\r\n"


class Server:
    """Answers each connection once, and remembers what it was sent."""

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self._answer = answer
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self.heard: list[bytes] = []
        self.place = Place("127.0.0.1", self._listening.getsockname()[1])
        self._thread.start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listening.accept()
            with connection:
                if not (told := connection.recv(65536)):
                    return
                self.heard.append(told)
                connection.sendall(self._answer(told))
                if told.startswith(b"CONNECT"):
                    self.heard.append(connection.recv(65536))
                    connection.sendall(b"through")

    def close(self) -> None:
        socket.create_connection((self.place.host, self.place.port)).close()
        self._thread.join()
        self._listening.close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(lambda told: b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello" if b"HTTP" in told else b"hello")
    yield server
    server.close()


@contextmanager
def outlet_for(
    *places: Place, private: bool = True, upstreams: Upstreams | None = None
) -> Iterator[tuple[Outlet, Callable[..., bytes]]]:
    """An outlet, and a way to send it something and read all that comes back."""
    allowed = Allowance(places=frozenset(places), private=frozenset(places) if private else frozenset())
    outlet = Outlet(allowed, upstreams or Upstreams())
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = listening.getsockname()

        def ask(text: str, then: bytes = b"") -> bytes:
            with socket.create_connection(address, timeout=20) as client:
                client.sendall(text.encode())
                told = client.recv(65536)
                if then and told.startswith(b"HTTP/1.1 200"):
                    client.sendall(then)
                    client.shutdown(socket.SHUT_WR)
                while more := client.recv(65536):
                    told += more
                return told

        with opened(outlet, listening):
            yield outlet, ask


def test_a_tunnel_to_a_granted_place_carries_both_ways(server: Server) -> None:
    with outlet_for(server.place) as (outlet, ask):
        assert ask(TUNNEL.format(place=server.place), b"ping").endswith(b"\r\n\r\nhello")
        assert server.heard == [b"ping"]
        assert (outlet.refused, outlet.failed) == ([], [])


def test_a_plain_request_reaches_the_host_in_its_target(server: Server) -> None:
    with outlet_for(server.place) as (_, ask):
        assert ask(PLAIN.format(place=server.place)).endswith(b"hello")
        assert server.heard == [f"GET /a HTTP/1.1\r\nHost: {server.place}\r\nConnection: close\r\n\r\n".encode()]


def test_nothing_follows_the_one_request_of_a_connection(server: Server) -> None:
    with outlet_for(server.place) as (_, ask):
        second = "GET http://127.0.0.1:1/b HTTP/1.1\r\n\r\n"
        ask(PLAIN.format(place=server.place) + second)
        assert b"".join(server.heard).count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("form", [TUNNEL, PLAIN])
def test_a_place_that_is_not_granted_gets_403_and_not_a_byte(form: str, server: Server) -> None:
    other = Place("127.0.0.1", 1)
    with outlet_for(other) as (outlet, ask):
        assert ask(form.format(place=server.place)).startswith(b"HTTP/1.1 403 ")
        ask(form.format(place=server.place))
        assert outlet.refused == [f"{server.place} is not granted"]
    assert server.heard == []


def test_a_granted_name_that_resolves_to_this_machine_is_refused_without_leave(server: Server) -> None:
    place = Place("localhost", server.place.port)
    with outlet_for(place, private=False) as (outlet, ask):
        assert ask(TUNNEL.format(place=place)).startswith(b"HTTP/1.1 403 ")
        assert "lies at the loopback address" in outlet.refused[0]
    assert server.heard == []


def test_a_place_that_does_not_answer_is_a_failure_and_no_refusal() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = Place("127.0.0.1", taken.getsockname()[1])
    with outlet_for(place) as (outlet, ask):
        assert ask(TUNNEL.format(place=place)).startswith(b"HTTP/1.1 502 ")
        assert (outlet.refused, outlet.failed) == ([], [f"{place} cannot be reached"])


def test_what_is_no_request_gets_400() -> None:
    with outlet_for() as (_, ask):
        assert ask("GET / HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_another_proxy_is_contacted_in_place_of_the_host() -> None:
    proxy = Server(lambda _: b"HTTP/1.1 200 OK\r\n\r\n")
    upstream = Upstream(place=proxy.place, encrypted=False, credentials="eDp5")
    host = Place("never-resolved.example.org")
    try:
        with outlet_for(proxy.place, host, upstreams=Upstreams(https=upstream)) as (_, ask):
            assert ask(TUNNEL.format(place=host), b"ping").endswith(b"through")
    finally:
        proxy.close()
    assert proxy.heard == [
        f"CONNECT {host} HTTP/1.1\r\nHost: {host}\r\nProxy-Authorization: Basic eDp5\r\n\r\n".encode(),
        b"ping",
    ]


def test_another_proxy_must_be_granted_and_so_must_the_host_behind_it(server: Server) -> None:
    upstreams = Upstreams(https=Upstream(place=server.place, encrypted=False))
    host = Place("never-resolved.example.org")
    with outlet_for(host, upstreams=upstreams) as (outlet, ask):
        assert ask(TUNNEL.format(place=host)).startswith(b"HTTP/1.1 403 ")
        assert outlet.refused == [f"{server.place} is not granted"]
    with outlet_for(server.place, upstreams=upstreams) as (outlet, ask):
        assert ask(TUNNEL.format(place=host)).startswith(b"HTTP/1.1 403 ")
        assert outlet.refused == [f"{host} is not granted"]
    assert server.heard == []


def test_a_proxy_that_will_not_connect_is_a_failure() -> None:
    proxy = Server(lambda _: b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
    host = Place("never-resolved.example.org")
    upstreams = Upstreams(https=Upstream(place=proxy.place, encrypted=False))
    try:
        with outlet_for(proxy.place, host, upstreams=upstreams) as (outlet, ask):
            assert ask(TUNNEL.format(place=host)).startswith(b"HTTP/1.1 502 ")
            assert outlet.failed == [f"the proxy {proxy.place} would not connect to {host}"]
    finally:
        proxy.close()


def test_a_connection_that_is_being_made_at_the_end_is_ended_too(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(200):
        with socket.create_server(("127.0.0.1", 0)) as listening, opened(Outlet(NOTHING, Upstreams()), listening):
            client = socket.create_connection(listening.getsockname())
        client.close()
    gc.collect()
    assert caplog.messages == []


def test_a_tunnel_whose_client_has_said_all_lives_until_it_is_answered() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as far,
        socket.create_server(("127.0.0.1", 0)) as listening,
    ):
        place = Place("127.0.0.1", far.getsockname()[1])
        allowed = Allowance(places=frozenset({place}), private=frozenset({place}))
        with opened(Outlet(allowed, Upstreams()), listening), socket.create_connection(listening.getsockname()) as near:
            near.sendall(TUNNEL.format(place=place).encode())
            server, _ = far.accept()
            with server:
                assert near.recv(65536).startswith(b"HTTP/1.1 200")
                near.shutdown(socket.SHUT_WR)
                assert not server.recv(1)
                gc.collect()
                server.sendall(b"late")
            assert near.recv(65536) == b"late"
