# SPDX-License-Identifier: Apache-2.0
"""Sources of facts and of orders are what somebody wrote: a browser is sent to web addresses alone."""

import pytest

from freehold.console.rendering import web_address


@pytest.mark.parametrize(
    ("source", "address"),
    [
        ("https://example.org/a", "https://example.org/a"),
        ("http://example.org/a", "http://example.org/a"),
        ("javascript:alert(1)", ""),
        (" https://example.org", ""),
        ("https://example.org/a b", ""),
        ("Our contract with Simulated SAS", ""),
        ("data:text/html,x", ""),
        ("//example.org", ""),
    ],
)
def test_a_source_is_a_link_only_where_a_browser_may_be_sent(source: str, address: str) -> None:
    assert web_address(source) == address
