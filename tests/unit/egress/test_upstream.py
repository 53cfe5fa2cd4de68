# SPDX-License-Identifier: Apache-2.0
import base64

import pytest

from freehold.contract.grant import Place
from freehold.egress.upstream import Upstream, Upstreams, read_upstreams
from freehold.errors import EgressDenied

INDEX = Place("index.example.org")


def test_without_a_proxy_the_place_itself_is_contacted() -> None:
    assert read_upstreams({}) == Upstreams()
    assert Upstreams().contacted(INDEX, tunnel=True) == INDEX


def test_the_environment_names_a_proxy_for_each_kind_and_the_hosts_that_need_none() -> None:
    environment = {
        "HTTPS_PROXY": "http://proxy.example.org:3128",
        "all_proxy": "https://other.example.org",
        "no_proxy": "intranet.example.org,10.0.0.7",
    }
    upstreams = read_upstreams(environment)
    assert upstreams.contacted(INDEX, tunnel=True) == Place("proxy.example.org", 3128)
    assert upstreams.http == Upstream(place=Place("other.example.org"), encrypted=True)
    near = Place("mirror.intranet.example.org")
    assert upstreams.contacted(near, tunnel=True) == near


def test_what_a_tool_is_configured_with_counts_for_every_host() -> None:
    upstreams = read_upstreams({"NO_PROXY": "*", "HTTPS_PROXY": "http://other:1"}, "proxy.example.org:3128")
    assert upstreams.contacted(INDEX, tunnel=True) == Place("proxy.example.org", 3128)


def test_credentials_are_sent_to_the_proxy_and_shown_to_nobody() -> None:
    upstream = read_upstreams({}, "http://joe:s%20ecret@proxy.example.org:3128").http
    assert upstream is not None
    assert upstream.fields == (b"Proxy-Authorization: Basic " + base64.b64encode(b"joe:s ecret"),)
    assert upstream.credentials not in repr(upstream)


@pytest.mark.parametrize("url", ["socks5://joe:secret@proxy.example.org:1080", "http://", "http://proxy:99999"])
def test_a_proxy_that_cannot_be_spoken_to_is_refused_without_its_credentials(url: str) -> None:
    with pytest.raises(EgressDenied, match="of the form http://HOST:PORT") as refused:
        read_upstreams({"https_proxy": url})
    assert "secret" not in refused.value.message + refused.value.advice
