# SPDX-License-Identifier: Apache-2.0
"""Who could open a connection at all, by the code as it is written. Each file that could is named, with the reason.

A new one fails here until somebody has looked at it. What the running processes really do is watched by the kernel in
tests/system/test_egress.py.
"""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[3] / "src" / "freehold"

SOCKETS = "sockets"  # the socket module: could open any
CLIENT = "client"  # a library that dials by itself
STREAMS = "streams"  # asyncio's own ways to connect or to look a name up
PROGRAMS = "programs"  # starts or becomes another program
NATIVE = "native"  # calls code that Python does not see into

_MODULES: Mapping[str, str] = {
    "socket": SOCKETS,
    "_socket": SOCKETS,
    "socketserver": SOCKETS,
    "aiohttp": CLIENT,
    "http.client": CLIENT,
    "urllib.request": CLIENT,
    "ftplib": CLIENT,
    "smtplib": CLIENT,
    "imaplib": CLIENT,
    "poplib": CLIENT,
    "telnetlib": CLIENT,
    "xmlrpc": CLIENT,
    "requests": CLIENT,
    "httpx": CLIENT,
    "httpx2": CLIENT,
    "huggingface_hub": CLIENT,
    "urllib3": CLIENT,
    "grpc": CLIENT,
    "websockets": CLIENT,
    "subprocess": PROGRAMS,
    "multiprocessing": PROGRAMS,
    "pty": PROGRAMS,
    "webbrowser": PROGRAMS,
    "ctypes": NATIVE,
    "cffi": NATIVE,
    "granian": NATIVE,
    "uvloop": NATIVE,
    "xllamacpp": NATIVE,
    "z3": NATIVE,
    "pyrage": NATIVE,
    "cedarpy": NATIVE,
    "jsonschema_rs": NATIVE,
    "ast_grep_py": NATIVE,
}
_CALLS: Mapping[str, str] = {
    "open_connection": STREAMS,
    "create_connection": STREAMS,
    "open_unix_connection": STREAMS,
    "create_unix_connection": STREAMS,
    "create_datagram_endpoint": STREAMS,
    "sock_connect": STREAMS,
    "getaddrinfo": STREAMS,
    "getnameinfo": STREAMS,
    "gethostbyname": STREAMS,
    "create_subprocess_exec": PROGRAMS,
    "create_subprocess_shell": PROGRAMS,
}
_OF_OS = {"system", "popen", "fork", "forkpty", "posix_spawn", "posix_spawnp"} | {
    f"exec{how}" for how in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")
}

# What each file may do, and what for. A folder's name ends in a slash.
ALLOWED: Mapping[str, tuple[set[str], str]] = {
    "egress/connections.py": ({SOCKETS, STREAMS}, "dials one host, at addresses that were looked at"),
    "egress/outlet.py": ({SOCKETS, STREAMS}, "dials for an import: the places granted, by the address looked at"),
    "egress/asking.py": ({SOCKETS, CLIENT}, "speaks HTTPS for an import, through an outlet and nothing else"),
    "egress/enclosure.py": ({SOCKETS, PROGRAMS}, "starts a program that has no network; a pair of unix sockets to it"),
    "egress/enclosed.py": ({SOCKETS, PROGRAMS}, "leaves the network and becomes that program; listens inside"),
    "egress/diverted.py": ({SOCKETS, STREAMS}, "connects an enclosed process to the outlet, and to nothing else"),
    "egress/upstream.py": ({CLIENT}, "reads NO_PROXY as the standard library does; opens nothing"),
    "egress/age.py": ({NATIVE}, "opens age files: arithmetic in Rust"),
    "admin/backup/crypt.py": ({NATIVE}, "encrypts and decrypts backups with age"),
    "channel/frames.py": ({SOCKETS, STREAMS}, "unix sockets between the processes of the estate"),
    "engine/line.py": ({CLIENT}, "HTTP over an engine's unix socket"),
    "engine/fake.py": ({CLIENT}, "an engine for tests, on a unix socket"),
    "engine/probe.py": ({STREAMS}, "asks over an engine's unix socket whether it is ready"),
    "engine/supervise.py": ({PROGRAMS}, "starts the estate's own processes"),
    "engine/building/compiling.py": ({PROGRAMS}, "asks cmake and a compiler which they are; all else has no network"),
    "engine/worker.py": ({PROGRAMS}, "becomes a llama-server or vLLM, in jail"),
    "engine/household.py": ({SOCKETS, PROGRAMS}, "forks, and switches the loopback of its own namespace on; no more"),
    "engine/xllama.py": ({NATIVE}, "the engine itself, in jail: no network and no connect(2)"),
    "continuity/drill/callers.py": ({CLIENT}, "HTTP over the gateway's unix socket: the calls of a drill"),
    "continuity/drill/simulated.py": ({CLIENT}, "listens on loopback as the simulated providers of a drill"),
    "continuity/acceptance/schema.py": ({NATIVE}, "validates JSON Schema; told to fetch nothing"),
    "admin/calling.py": ({CLIENT}, "HTTP over the gateway's unix socket: acceptance cases"),
    "admin/talking.py": ({CLIENT}, "HTTP over the gateway's unix socket: what an operator asks a service"),
    "admin/client.py": ({SOCKETS, CLIENT}, "HTTP over the estate's control socket"),
    "admin/host.py": ({NATIVE}, "asks the kernel what it offers for jails"),
    "admin/http.py": ({NATIVE}, "listens: the admin API"),
    "admin/leaks.py": ({SOCKETS}, "bait for 'freehold egress check': listens on loopback"),
    "api/rsgi.py": ({NATIVE}, "listens: the ports of a witness and of the ledger's files"),
    "api/listener.py": ({SOCKETS}, "listens: the public port, at a socket that it is given"),
    "bootstrap/control.py": ({NATIVE}, "listens: the admin port and the control socket"),
    "bootstrap/gateway.py": ({SOCKETS, NATIVE}, "its event loop; takes the public port that the supervisor has opened"),
    "bootstrap/ledger.py": ({NATIVE}, "its event loop"),
    "bootstrap/tiles.py": ({SOCKETS, NATIVE}, "listens: the ledger's files, read only"),
    "bootstrap/witness.py": ({NATIVE}, "listens: the port of a witness"),
    "bootstrap/serving.py": ({NATIVE}, "listens on a port that somebody else has opened"),
    "bootstrap/listeners.py": ({SOCKETS, STREAMS}, "opens the estate's own ports, at addresses of this machine"),
    "assess/exposure/run.py": ({PROGRAMS}, "starts processes of its own that read files"),
    "assess/exposure/code.py": ({NATIVE}, "reads programs as trees"),
    "assess/exposure/calls.py": ({NATIVE}, "the same"),
    "ledger/check/verify.py": ({PROGRAMS}, "forks, to check the halves of a long log at once"),
    "bootstrap/alone.py": (
        {CLIENT, PROGRAMS},
        "starts a copy of the estate where there is no network; asks it over its unix sockets",
    ),
    "bootstrap/launch.py": ({PROGRAMS}, "starts the supervisor"),
    "bootstrap/start.py": ({PROGRAMS}, "holds the supervisor that it has started"),
    "bootstrap/manager.py": ({SOCKETS}, "tells a service manager how far it is, on the unix socket that it names"),
    "bootstrap/process.py": ({NATIVE}, "asks the kernel to end a process with its supervisor"),
    "bootstrap/supervisor.py": ({SOCKETS, STREAMS}, "tries the estate's own public port on loopback until it answers"),
    "cli/bench.py": ({CLIENT}, "asks the estate's own public port"),
    "cli/callers.py": ({CLIENT}, "asks the estate's own public port"),
    "cli/public.py": ({CLIENT}, "asks the estate's own public port"),
    "cli/chat.py": ({CLIENT}, "asks the estate's own public port"),
    "cli/welcome.py": ({CLIENT}, "asks the estate's own public port"),
    "cli/up.py": ({PROGRAMS}, "waits for the supervisor"),
    "policy/": ({NATIVE}, "Cedar, and z3 in a process of its own: arithmetic"),
    "policy/prove/prover.py": ({PROGRAMS}, "starts that process"),
    "policy/detect/reader.py": ({PROGRAMS}, "starts the process that reads texts, which the kernel refuses sockets"),
    "seal/kernel.py": ({NATIVE}, "system calls that only take away"),
    "seal/entering.py": ({SOCKETS}, "hands the sealed estate its listening sockets"),
    "seal/warden.py": ({SOCKETS, PROGRAMS}, "connects for sealed processes, to the estate's own unix sockets alone"),
    "seal/alone.py": (
        {SOCKETS, PROGRAMS},
        "leaves the network, starts a program, and answers as name server in there; connects nowhere",
    ),
    "seal/attempts.py": ({SOCKETS, STREAMS}, "tries to get out, for 'freehold egress check', and sends nothing"),
    "vault/fetching.py": ({PROGRAMS}, "asks pip for its settings, and starts it where it has no network"),
    "tuning/quantiser.py": ({PROGRAMS}, "starts the process that writes a model in another format, in jail"),
    "tuning/worker.py": ({PROGRAMS}, "becomes a llama-quantize, in jail"),
    "vault/bundle/programs.py": ({PROGRAMS}, "has pip gather wheels for a bundle; runs nothing of them"),
    "vault/hub/client.py": ({PROGRAMS}, "starts the hub's client where it has no network, and pip for its wheels"),
    "vault/hub/asking_hub.py": ({CLIENT}, "a script for that client: runs in its process, where there is no network"),
}


def doors(tree: ast.AST) -> Iterator[str]:
    """What the code could do, by what it imports and by the names of what it calls."""
    for node in ast.walk(tree):
        for name in _imported(node):
            yield from (kind for module, kind in _MODULES.items() if f"{name}.".startswith(f"{module}."))
        if isinstance(node, ast.Attribute) and node.attr in _CALLS:
            yield _CALLS[node.attr]
        elif isinstance(node, ast.Attribute) and node.attr in _OF_OS:
            of_os = isinstance(node.value, ast.Name) and node.value.id == "os"
            yield from (PROGRAMS,) if of_os else ()


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        return [str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def _allowed(path: str) -> set[str]:
    fitting = [name for name in ALLOWED if path == name or (name.endswith("/") and path.startswith(name))]
    return ALLOWED[max(fitting, key=len)][0] if fitting else set()


FOUND = {
    str(path.relative_to(SOURCE)): set(doors(ast.parse(path.read_text(encoding="utf-8"))))
    for path in sorted(SOURCE.rglob("*.py"))
}


@pytest.mark.parametrize("path", [path for path, kinds in FOUND.items() if kinds])
def test_a_file_that_could_open_a_connection_is_named_with_the_reason(path: str) -> None:
    beyond = FOUND[path] - _allowed(path)
    assert not beyond, f"src/freehold/{path} has {', '.join(sorted(beyond))}, and {__file__} says nothing of that"


@pytest.mark.parametrize("name", ALLOWED)
def test_nothing_is_named_that_is_not_there(name: str) -> None:
    kinds, reason = ALLOWED[name]
    found = [kinds_found for path, kinds_found in FOUND.items() if path == name or path.startswith(name)]
    assert set().union(*found) >= kinds, f"{name} no longer does all that is allowed to it: {reason}"


def test_outside_egress_the_clients_are_those_of_unix_sockets_and_of_the_estates_own_port() -> None:
    dialling = {path for path, kinds in FOUND.items() if CLIENT in kinds}
    clients = {path for path in dialling if not path.startswith(("egress/", "provider/"))}
    assert clients == {
        *("admin/calling.py", "admin/talking.py", "admin/client.py", "engine/line.py", "engine/fake.py"),
        *("continuity/drill/callers.py", "continuity/drill/simulated.py"),
        *("bootstrap/alone.py", "cli/bench.py", "cli/callers.py", "cli/chat.py", "cli/public.py", "cli/welcome.py"),
        "vault/hub/asking_hub.py",  # a script, for a process that has no network
    }


@pytest.mark.parametrize(
    "line",
    [
        "import socket",
        "from socket import create_connection",
        "import urllib.request",
        "from urllib import request",
        "import http.client as h",
        "from aiohttp import ClientSession",
        "import asyncio\nasyncio.open_connection('h', 1)",
        "import os\nos.execv('/bin/curl', [])",
        "import subprocess",
        "import ctypes",
    ],
)
def test_the_scan_sees(line: str) -> None:
    assert set(doors(ast.parse(line)))
