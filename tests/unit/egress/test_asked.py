# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.contract.grant import Place
from freehold.egress.asked import read_asked

GET = b"GET http://index.example.org:8080/simple/?a=b HTTP/1.1\r\nHost: elsewhere.example.org\r\nAccept: */*\r\n"


def test_a_tunnel_is_to_the_host_that_it_names() -> None:
    asked = read_asked(b"CONNECT index.example.org:443 HTTP/1.1\r\nHost: elsewhere.example.org:443\r\n\r\n")
    assert asked is not None
    assert (asked.place, asked.tunnel) == (Place("index.example.org", 443), True)


def test_a_plain_request_goes_on_to_the_host_of_its_target_and_to_no_other() -> None:
    asked = read_asked(GET + b"Proxy-Authorization: Basic eDp5\r\nConnection: keep-alive\r\n\r\n")
    assert asked is not None
    assert (asked.place, asked.tunnel) == (Place("index.example.org", 8080), False)
    assert asked.head() == (
        b"GET /simple/?a=b HTTP/1.1\r\nHost: index.example.org:8080\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    )


def test_another_proxy_gets_the_whole_target_and_its_credentials() -> None:
    asked = read_asked(GET + b"\r\n")
    assert asked is not None
    head = asked.head(to_a_proxy=True, more=(b"Proxy-Authorization: Basic eA==",))
    assert head.startswith(b"GET http://index.example.org:8080/simple/?a=b HTTP/1.1\r\n")
    assert head.endswith(b"\r\nProxy-Authorization: Basic eA==\r\n\r\n")


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"GET / HTTP/1.1", id="origin form"),
        pytest.param(b"CONNECT index.example.org HTTP/1.1", id="a tunnel without a port"),
        pytest.param(b"CONNECT user@index.example.org:443 HTTP/1.1", id="a tunnel with a user"),
        pytest.param(b"GET https://index.example.org/ HTTP/1.1", id="https without a tunnel"),
        pytest.param(b"GET ftp://index.example.org/ HTTP/1.1", id="another scheme"),
        pytest.param(b"GET http:///x HTTP/1.1", id="no host"),
        pytest.param(b"GET http://index.example.org:0x50/ HTTP/1.1", id="no port"),
        pytest.param(b"GET http://index.example.org/ HTTP/2", id="another version"),
        pytest.param(b"get http://index.example.org/ HTTP/1.1", id="no method"),
        pytest.param(b"GET http://a/ HTTP/1.1\r\nTransfer-Encoding: chunked", id="a body without a length"),
        pytest.param(b"GET http://a/ HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2", id="two lengths"),
        pytest.param(b"GET http://a/ HTTP/1.1\r\nContent-Length: -1", id="a length below nothing"),
        pytest.param(b"GET http://a/ HTTP/1.1\r\nHost: a\n\nGET http://b/ HTTP/1.1", id="bare line feeds"),
        pytest.param(b"GET http://a/ HTTP/1.1\r\n folded: yes", id="a folded field"),
    ],
)
def test_what_is_no_request_to_a_proxy_is_not_read(head: bytes) -> None:
    assert read_asked(head + b"\r\n\r\n") is None


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reader(head: bytes) -> None:
    asked = read_asked(head + b"\r\n\r\n")
    assert asked is None or asked.place.host
