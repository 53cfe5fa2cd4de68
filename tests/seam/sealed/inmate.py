# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: PTH104, T201
"""A sealed process that serves clients and tries to get out. Run by test_seal.py, as the command of a warden:

    python -m freehold.seal.warden RUN python inmate.py '{"run": ..., "foreign": ..., ...}' --warden FD --supervisor PID

It says what it found in lines of JSON, does what it is told in lines of its standard input's socket, and ends with it.
"""

import argparse
import ctypes
import errno
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from freehold.bootstrap.process import end_with
from freehold.contract.attempt import Bait
from freehold.seal.attempts import attempt_all
from freehold.seal.entering import prove, seal

FASTOPEN = 0x20000000
CONNECT_PATHS = """
import socket, sys
for path in sys.argv[1:]:
    try:
        socket.socket(socket.AF_UNIX).connect(path)
        print("DONE")
    except OSError as exc:
        print(exc.errno)
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("given", type=json.loads)
    parser.add_argument("--warden", type=int)
    parser.add_argument("--supervisor", type=int)
    options = parser.parse_args()
    given: dict[str, Any] = options.given
    end_with(options.supervisor)
    run = Path(given["run"])
    own = listening_at(str(run / "own.sock"))
    tcp = socket.create_server(("127.0.0.1", 0))
    early = {"tcp": socket.socket(), "udp": socket.socket(type=socket.SOCK_DGRAM)}
    if given["unsealed"]:
        os.close(options.warden)
    else:
        seal(options.warden, movable=[Path(given["movable"])])
        prove(str(run / "own.sock"))
        own.accept()[0].close()
    say({"port": tcp.getsockname()[1], "pid": os.getpid(), "warden": os.getppid()})
    {"try": try_all, "race": race, "orphaned": orphaned, "serve": lambda *_: None, "attempts": attempts}[given["task"]](
        given, own, early
    )
    while True:  # serve, and connect where a client says, until the warden ends
        client, _ = tcp.accept()
        with client:
            path = client.recv(200).decode()
            client.sendall(attempted(partial(dial, path)).encode())


def say(told: object) -> None:
    print(json.dumps(told), flush=True)


def listening_at(name: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(name)
    listener.listen(64)
    return listener


def attempted(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except OSError as exc:
        return errno.errorcode.get(exc.errno or 0, str(exc.errno))
    return "DONE"


def dial(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(path)


def dial_without_waiting(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as caller:
        caller.setblocking(False)
        caller.connect(path)
        if caller.getblocking():
            raise OSError(errno.EINVAL, "it would wait now")


def try_all(given: dict[str, Any], own: socket.socket, early: dict[str, socket.socket]) -> None:
    run, foreign = Path(given["run"]), given["foreign"]
    (run / "to-foreign").symlink_to(foreign)
    (run / "to-folder").symlink_to(Path(foreign).parent)
    (Path(foreign).parent / "to-own").symlink_to(run / "own.sock")
    folder = os.open(run, os.O_PATH | os.O_DIRECTORY)
    outside = os.open(Path(foreign).parent, os.O_PATH | os.O_DIRECTORY)
    tcp_port = given["tcp_port"]
    tried: dict[str, Callable[[], object]] = {
        "own": lambda: dial(str(run / "own.sock")),
        "own, not waiting": lambda: dial_without_waiting(str(run / "own.sock")),
        "own, by a link": lambda: dial(str(Path(foreign).parent / "to-own")),
        "own, by a descriptor": lambda: dial(f"/proc/self/fd/{folder}/own.sock"),
        "own, relative": lambda: dial(own.getsockname().rpartition("/")[2]),
        "own, in a thread": lambda: in_thread(lambda: dial(str(run / "own.sock"))),
        "own, that is not there": lambda: dial(str(run / "none.sock")),
        "foreign": lambda: dial(foreign),
        "foreign, not waiting": lambda: dial_without_waiting(foreign),
        "foreign, by a link": lambda: dial(str(run / "to-foreign")),
        "foreign, by a link to its folder": lambda: dial(str(run / "to-folder" / Path(foreign).name)),
        "foreign, by dots": lambda: dial(os.path.relpath(foreign, run)),
        "foreign, by a descriptor": lambda: dial(f"/proc/self/fd/{outside}/{Path(foreign).name}"),
        "foreign, in a thread": lambda: in_thread(lambda: dial(foreign)),
        "foreign, that is not there": lambda: dial(foreign + ".none"),
        "foreign, linked to": lambda: os.link(foreign, run / "linked.sock"),
        "foreign, moved here": lambda: os.rename(foreign, run / "moved.sock"),
        "abstract": lambda: dial("\0" + given["abstract"]),
        "datagram": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM),
        "tcp": lambda: socket.socket().connect(("127.0.0.1", tcp_port)),
        "tcp, made before": lambda: early["tcp"].connect(("127.0.0.1", tcp_port)),
        "tcp, without connect": lambda: early["tcp"].sendto(b"x", FASTOPEN, ("127.0.0.1", tcp_port)),
        "tcp, without connect or address": lambda: early["tcp"].sendmsg([b"x"], [], FASTOPEN, ("127.0.0.1", tcp_port)),
        "udp": lambda: socket.socket(type=socket.SOCK_DGRAM),
        "udp, made before": lambda: early["udp"].sendto(b"x", ("127.0.0.1", tcp_port)),
        "udp, made before, connected": lambda: early["udp"].connect(("127.0.0.1", tcp_port)),
    }
    os.chdir(run)
    outcomes = {name: attempted(attempt) for name, attempt in tried.items()}
    started = subprocess.run(
        [sys.executable, "-I", "-c", CONNECT_PATHS, str(run / "own.sock"), foreign],
        capture_output=True,
        text=True,
        check=True,
    )
    outcomes["own, another program"], outcomes["foreign, another program"] = started.stdout.split()
    if given["native"]:
        native = subprocess.run([given["native"], str(tcp_port), foreign], capture_output=True, text=True, check=True)
        outcomes |= {f"native thread, {name}": said for name, said in json.loads(native.stdout).items()}
    try:
        socket.getaddrinfo("freehold-seam-test.invalid", 80)
        outcomes["dns"] = "DONE"
    except socket.gaierror:
        outcomes["dns"] = "refused"
    say(outcomes)


def in_thread(work: Callable[[], None]) -> None:
    problems: list[OSError] = []

    def run() -> None:
        try:
            work()
        except OSError as exc:
            problems.append(exc)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if problems:
        raise problems[0]


def orphaned(given: dict[str, Any], own: socket.socket, early: dict[str, socket.socket]) -> None:
    """Connect when the warden is dead, though told to stop."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    warden = os.pidfd_open(os.getppid())
    os.kill(os.getppid(), signal.SIGKILL)
    select.select([warden], [], [])
    say(attempted(partial(dial, own.getsockname())))


def race(given: dict[str, Any], own: socket.socket, early: dict[str, socket.socket]) -> None:
    """Connect by a name that another thread rewrites all the while."""
    libc = ctypes.CDLL(None, use_errno=True)
    names = [os.fsencode(name).ljust(108, b"\0") for name in (str(Path(given["run"], "own.sock")), given["foreign"])]
    address = ctypes.create_string_buffer(struct.pack("=H", socket.AF_UNIX) + names[0], 110)
    stop = threading.Event()

    def rewrite() -> None:
        while not stop.is_set():
            for name in names:
                ctypes.memmove(ctypes.addressof(address) + 2, name, len(name))

    sys.setswitchinterval(1e-5)
    rewriter = threading.Thread(target=rewrite)
    rewriter.start()
    own.setblocking(False)
    outcomes = {"connected": 0, "refused": 0}
    for _ in range(given["rounds"]):
        with socket.socket(socket.AF_UNIX) as caller:
            made = libc.connect(caller.fileno(), address, 110) == 0
            outcomes["connected" if made else "refused"] += 1
            if made:
                own.accept()[0].close()
    stop.set()
    rewriter.join()
    say(outcomes)


def attempts(given: dict[str, Any], own: socket.socket, early: dict[str, socket.socket]) -> None:
    if given["handed"] == "nothing":
        for held in early.values():
            held.close()
    bait = Bait(
        supervisor=os.getpid(),
        port_host="127.0.0.1",
        port=given["tcp_port"],
        path=given["foreign"],
        abstract=given["abstract"],
    )
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(str(Path(given["run"], "own.sock")))
        taken, _ = own.accept()
        with taken:
            say({tried.name: [tried.outcome, tried.reason] for tried in attempt_all(bait)})


if __name__ == "__main__":
    main()
