# SPDX-License-Identifier: Apache-2.0
"""A port that is opened for a process that may open none itself."""

import socket

import pytest

from freehold.bootstrap.listeners import open_listener
from freehold.errors import EstateError


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
