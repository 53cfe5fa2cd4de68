# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.contract.grant import Errand, Place, place_of, read_place


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("mirror.example.org", Place("mirror.example.org", 443)),
        ("Mirror.Example.ORG:8443", Place("mirror.example.org", 8443)),
        ("localhost:3141", Place("localhost", 3141)),
        ("10.0.0.7", Place("10.0.0.7", 443)),
        ("10.0.0.7:80", Place("10.0.0.7", 80)),
        ("2001:db8::7", Place("2001:db8::7", 443)),
        ("[2001:DB8::7]:8443", Place("2001:db8::7", 8443)),
        ("xn--bcher-kva.example", Place("xn--bcher-kva.example", 443)),
    ],
)
def test_a_host_is_read_with_its_port(text: str, place: Place) -> None:
    assert read_place(text) == place


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":443",
        "https://mirror.example.org",
        "mirror.example.org/simple",
        "user@mirror.example.org",
        "*.example.org",
        "mirror.example.org.",
        "mirror..example.org",
        "mirror.example.org:0",
        "mirror.example.org:65536",
        "mirror.example.org:",
        "mirror example.org",
        "bücher.example",
        "-mirror.example.org",
        "127.1",
        "0x7f.0.0.1",
        "0x7f000001",
        "[mirror.example.org]:443",
        "[10.0.0.7",
        "a" * 254,
    ],
)
def test_what_is_no_host_is_not_read(text: str) -> None:
    assert read_place(text) is None


@given(st.from_regex(r"[a-z][a-z0-9-]{0,10}[a-z](\.[a-z]{2,6}){0,3}", fullmatch=True), st.integers(1, 65535))
def test_a_place_is_read_as_it_is_written(host: str, port: int) -> None:
    assert read_place(str(Place(host, port))) == Place(host, port)


def test_an_errand_through_a_proxy_says_so() -> None:
    proxy, index = Place("proxy.example.org", 3128), Place("index.example.org")
    errand = Errand(contacted=frozenset({proxy}), beyond=frozenset({index}))
    assert str(errand) == "proxy.example.org:3128 (a proxy, for index.example.org:443)"
    assert errand.places == {proxy, index}


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://w.example", Place("w.example", 443)),
        ("http://w.example/", Place("w.example", 80)),
        ("https://W.example:8443/prefix/more", Place("w.example", 8443)),
        ("http://[::1]:8090", Place("::1", 8090)),
        ("http://127.0.0.1:8090/", Place("127.0.0.1", 8090)),
    ],
)
def test_a_url_is_of_a_host_and_a_port(url: str, place: Place) -> None:
    assert place_of(url) == place


@pytest.mark.parametrize(
    "url",
    [
        "w.example",
        "ftp://w.example",
        "https://",
        "https:///path",
        "https://user@w.example",
        "https://w.example?x",
        "https://w.example/#x",
        "https://w.example/a b",
        "https://w.example:0",
        "https://w.example:99999",
        "https://w.exämple",
        "https://[::1",
        "https://w.example/\r\nHost: x",
    ],
)
def test_what_is_no_url_of_a_host_has_no_place(url: str) -> None:
    assert place_of(url) is None
