# SPDX-License-Identifier: Apache-2.0
"""A real process in a network of its own; what it tries is written in Python and runs inside."""

import errno
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from freehold.contract.grant import Allowance, Place
from freehold.egress.enclosure import enclosed, no_way_out
from freehold.egress.outlet import Outlet
from freehold.egress.upstream import Upstreams
from freehold.errors import EgressDenied
from freehold.seal import kernel
from freehold.seal.bpf import Refusal, machine, refusing

UNSHARE = "import ctypes, sys; sys.exit(ctypes.CDLL(None).unshare(0x10000000 | 0x40000000))"

needs_namespaces = pytest.mark.skipif(
    subprocess.run([sys.executable, "-c", UNSHARE], check=False).returncode != 0,
    reason="this user may make no user and network namespace here",
)


def inside(script: str, folder: Path, *arguments: str, outlet: Outlet | None = None) -> str:
    """What the script prints, run where the outlet is the only way out."""
    command = [sys.executable, "-I", "-c", script, *arguments]
    with enclosed(
        command,
        outlet or no_way_out(),
        environment={**os.environ, "HTTPS_PROXY": "http://127.0.0.1:9"},
        folder=folder,
        output=subprocess.PIPE,
        errors=subprocess.STDOUT,
    ) as process:
        said, _ = process.communicate(timeout=30)
    return said.decode()


def inside_without_namespaces(script: str, folder: Path, *arguments: str, outlet: Outlet | None = None) -> str:
    """The same where no namespace can be made: a thread is put under a filter that sees to it, with all it starts."""
    kind = machine()
    assert kind is not None

    def run() -> str:
        kernel.keep_privileges_as_they_are()
        kernel._install(kind, refusing(kind, (Refusal("unshare", errno.EPERM),)), 0)
        return inside(script, folder, *arguments, outlet=outlet)

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result()


def attempt(body: str) -> str:
    """A script that prints what comes of the body: its result, or the name of the error."""
    return f"import os, socket, sys\ntry:\n    print({body})\nexcept OSError as exc:\n    print(type(exc).__name__)\n"


@pytest.mark.parametrize(
    "run", [pytest.param(inside, marks=needs_namespaces), inside_without_namespaces], ids=["alone", "diverted"]
)
def test_a_granted_place_is_reached_through_the_proxy(run: Callable[..., str], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as remote:
        place = Place("127.0.0.1", remote.getsockname()[1])
        outlet = Outlet(Allowance(places=frozenset({place}), private=frozenset({place})), Upstreams())
        script = (
            "import socket, sys\n"
            "proxy = socket.create_connection(('127.0.0.1', 3128))\n"
            "proxy.sendall(f'CONNECT {sys.argv[1]} HTTP/1.1\\r\\n\\r\\n'.encode())\n"
            "print(proxy.recv(100).split()[1].decode())\n"
        )
        assert run(script, tmp_path, str(place), outlet=outlet) == "200\n"
        assert run(script, tmp_path, "127.0.0.1:1", outlet=outlet) == "403\n"


@needs_namespaces
@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        pytest.param("socket.create_connection(('192.0.2.1', 443), 5)", "OSError", id="an address"),
        pytest.param("socket.create_connection(('2001:db8::1', 443), 5)", "OSError", id="an address of IPv6"),
        pytest.param("socket.getaddrinfo('example.org', 443)", "gaierror", id="a name"),
        pytest.param("socket.socket(socket.AF_UNIX)", "PermissionError", id="a unix socket"),
        pytest.param("socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)", "PermissionError", id="a pair of them"),
        pytest.param("socket.socket(socket.AF_VSOCK)", "PermissionError", id="the host of a virtual machine"),
        pytest.param("socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)", "PermissionError", id="netlink"),
        pytest.param("[n for n in os.environ if n.lower().endswith('_proxy')]", "[]", id="the environment's proxy"),
        pytest.param("[n for n in os.listdir('/proc/self/fd') if int(n) > 3]", "[]", id="inherited descriptors"),
        pytest.param("[name for _, name in socket.if_nameindex()]", "PermissionError", id="interfaces"),
    ],
)
def test_there_is_no_other_way_out(body: str, outcome: str, tmp_path: Path) -> None:
    assert inside(attempt(body), tmp_path) == f"{outcome}\n"


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        pytest.param("socket.socket(socket.AF_UNIX)", "PermissionError", id="a unix socket"),
        pytest.param("socket.socket(socket.AF_INET, socket.SOCK_DGRAM)", "PermissionError", id="a datagram"),
        pytest.param("socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132)", "PermissionError", id="SCTP"),
        pytest.param("socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)", "PermissionError", id="MPTCP"),
        pytest.param("socket.getaddrinfo('example.org', 443)", "gaierror", id="a name"),
        pytest.param("socket.socket().sendto(b'x', 0x20000000, ('192.0.2.1', 9))", "PermissionError", id="fast open"),
        pytest.param("socket.socket().sendmsg([b'x'], [], 0x20000000)", "PermissionError", id="fast open, a message"),
    ],
)
def test_without_a_network_of_its_own_there_is_no_other_way_out_either(body: str, outcome: str, tmp_path: Path) -> None:
    assert inside_without_namespaces(attempt(body), tmp_path) == f"{outcome}\n"


@pytest.mark.parametrize("place", [("192.0.2.1", 443), ("127.0.0.1", 1), ("2001:db8::1", 443)])
def test_without_a_network_of_its_own_every_connection_leads_to_the_proxy(
    place: tuple[str, int], tmp_path: Path
) -> None:
    script = (
        "import socket, sys\n"
        "reached = socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)\n"
        "reached.sendall(b'GET / HTTP/1.1\\r\\n\\r\\n')\n"
        "print(reached.recv(100).splitlines()[0].decode())\n"
    )
    assert inside_without_namespaces(script, tmp_path, place[0], str(place[1])) == "HTTP/1.1 400 Bad Request\n"


@needs_namespaces
def test_this_machines_own_loopback_is_not_reached(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as near:
        port = near.getsockname()[1]
        body = f"socket.create_connection(('127.0.0.1', {port}), 5)"
        assert inside(attempt(body), tmp_path) == "ConnectionRefusedError\n"


@needs_namespaces
def test_the_network_that_it_came_from_cannot_be_entered_again(tmp_path: Path) -> None:
    script = (
        "import ctypes, os\n"
        "fd = os.open('/proc/%d/ns/net' % os.getppid(), os.O_RDONLY)\n"
        "print(ctypes.CDLL(None).setns(fd, 0))\n"
    )
    assert not inside(script, tmp_path).startswith("0")


@needs_namespaces
def test_whatever_ends_the_errand_ends_the_process(tmp_path: Path) -> None:
    command: Sequence[str] = [sys.executable, "-I", "-c", "import time; time.sleep(600)"]
    with (
        pytest.raises(KeyboardInterrupt),
        enclosed(
            command,
            no_way_out(),
            environment=os.environ,
            folder=tmp_path,
            output=subprocess.DEVNULL,
            errors=subprocess.DEVNULL,
        ) as process,
    ):
        raise KeyboardInterrupt
    assert process.wait() == -9


def test_what_cannot_be_enclosed_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here because no interpreter is there to begin with; a kernel that refuses is answered in the same way."""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(EgressDenied, match="could not be kept from the rest of the network") as denied:
        inside("print('it was run')", tmp_path)
    assert "bring the wheel by hand" in denied.value.advice
