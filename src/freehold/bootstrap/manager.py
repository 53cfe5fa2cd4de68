# SPDX-License-Identifier: Apache-2.0
"""Tells whoever manages this process, systemd for one, how far it is: sd_notify(3). Nobody listens, nothing happens."""

import os
import socket
from contextlib import suppress

READY = "READY=1"
STOPPING = "STOPPING=1"

_WHERE = "NOTIFY_SOCKET"


def tell_manager(state: str) -> None:
    """Send one datagram to the socket that the environment names: a path, or with an ``@`` an abstract name."""
    address = os.environ.get(_WHERE, "")
    if address.startswith(("/", "@")):
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager:
            manager.sendto(state.encode(), address.replace("@", "\0", 1) if address.startswith("@") else address)
