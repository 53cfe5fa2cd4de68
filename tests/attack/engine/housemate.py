# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: PTH101, PTH108, PTH208, S103, S108, T201
"""A prisoner of a household that tries to get out. Run by test_household.py; enters the jail that vLLM is put into.

    python housemate.py '{"weights": ..., "folder": ..., "control": ..., ...}'

One JSON object on standard output: the jail, what came of each attempt, and what it lives on.
"""

import ctypes
import errno
import json
import os
import platform
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from freehold.engine import household, vllm
from freehold.engine.order import Order, VllmOrder
from freehold.engine.plan import EnginePlan

NUMBERS = {  # x86_64, aarch64
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "io_uring_setup": (425, 425),
    "bpf": (321, 280),
    "keyctl": (250, 219),
    "open_by_handle_at": (304, 265),
}
CLONE_NEWUSER, PR_SET_DUMPABLE = 0x10000000, 4
PLACES = ("/home", "/var", "/run", "/opt", "/srv", "/boot", "/mnt", "/etc/passwd", "/etc/ssl", "/etc/resolv.conf")
Attempts = Iterator[tuple[str, Callable[[], object]]]


def main() -> None:
    given = json.loads(sys.argv[1])
    weights, parent = os.open(given["weights"], os.O_RDONLY), os.getppid()
    os.open(given["secret"], os.O_RDONLY)  # a descriptor that it should not have
    plan = EnginePlan(context_tokens=512, slots=1, threads=1, prompt_threads=1, queue=1, prompt_cache_mib=0)
    base = "/usr" if given["user"] else sys.base_prefix  # another user may not be let into this one's
    its = VllmOrder(environment=sys.prefix, base=base, version="0.33.0", files={"model.safetensors": weights})
    order = Order(
        model="m", weights_fd=weights, folder=given["folder"], socket="engine.sock", parent_pid=parent, plan=plan
    )
    if given["user"]:
        os.setgroups([])
        os.setresgid(given["user"], given["user"], given["user"])
        os.setresuid(given["user"], given["user"], given["user"])
        LIBC.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # as a process is that was started by this user
    held = household.enter(
        household.Household(
            parent_pid=parent,
            grants=vllm.grants(its),
            root=vllm.root(order, its, "host"),
            descriptors=frozenset({weights}),
        )
    )
    answer = {
        "jail": asdict(held),
        "tried": {name: attempted(attempt) for name, attempt in attempts(given, parent)},
        "lives": {name: attempted(attempt) for name, attempt in needs()},
        "seen": [name for name in PLACES if os.path.lexists(name)],
        "processes": [name for name in os.listdir("/proc") if name.isdigit()],
        "descriptors": sorted(os.listdir("/proc/self/fd")),
    }
    print(json.dumps(answer), flush=True)


def attempted(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except OSError as exc:
        return f"refused {errno.errorcode[exc.errno or 0]}"
    return "DONE"


def attempts(given: dict[str, Any], parent: int) -> Attempts:
    yield "tcp to the host's loopback", lambda: dial(socket.AF_INET, ("127.0.0.1", given["tcp_port"]))
    yield "tcp to the host's loopback, IPv6", lambda: dial(socket.AF_INET6, ("::1", given["tcp_port"]))
    yield "tcp to a public address", lambda: dial(socket.AF_INET, ("192.0.2.1", 443))
    yield (
        "udp to a name server",
        lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.53", 53)),
    )
    yield "vsock", lambda: socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
    yield "raw packets", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    yield "raw internet", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    yield "the kernel's ciphers", lambda: socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET)
    yield "the control socket", lambda: dial(socket.AF_UNIX, given["control"])
    yield "the control socket, from its folder", lambda: dial(socket.AF_UNIX, "../../control.sock")
    yield (
        "the control socket, by the supervisor",
        lambda: dial(socket.AF_UNIX, f"/proc/{parent}/root{given['control']}"),
    )
    yield "the container engine's socket", lambda: dial(socket.AF_UNIX, given["container_engine"])
    yield "an abstract unix socket", lambda: dial(socket.AF_UNIX, "\0" + given["abstract"])
    yield "a unix datagram", lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"x", given["datagram"])
    for path in (*given["files"], "/etc/passwd", "/etc/shadow", "/root/.bashrc", "/home", "/var", "/run"):
        yield f"read {path}", partial(os.open, path, os.O_RDONLY)
    for path in (given["estate"], given["vault"], "/"):
        yield f"list {path}", partial(os.listdir, path)
    yield "write to its environment", lambda: os.open(f"{sys.prefix}/pyvenv.cfg", os.O_WRONLY)
    yield "open up its environment", lambda: os.chmod(f"{sys.prefix}/pyvenv.cfg", 0o666)
    yield "write to the system", lambda: os.open("/usr/bin/env", os.O_WRONLY)
    yield "write the weights", lambda: os.open("/model/model.safetensors", os.O_WRONLY)
    yield "make a file where it is", lambda: os.open("note", os.O_WRONLY | os.O_CREAT)
    yield "make a file in its root", lambda: os.open("/note", os.O_WRONLY | os.O_CREAT)
    yield "a disk", lambda: os.open("/dev/vda", os.O_RDONLY)
    yield "the kernel's memory", lambda: os.open("/dev/mem", os.O_RDONLY)
    yield "kill the supervisor", lambda: os.kill(parent, signal.SIGKILL)
    yield "read the supervisor's environment", lambda: os.open(f"/proc/{parent}/environ", os.O_RDONLY)
    yield "a new user namespace", lambda: raw("unshare", CLONE_NEWUSER)
    yield "another's namespace", lambda: raw("setns", 0, 0)
    yield "mount", lambda: raw("mount", b"none", b"/tmp", b"tmpfs", 0, 0)
    yield "umount", lambda: raw("umount2", b"/proc", 2)
    yield "another root", lambda: raw("pivot_root", b".", b".")
    yield "chroot", lambda: os.chroot("/tmp")
    yield "trace", lambda: raw("ptrace", 0x4206, parent, 0, 0)
    yield "read memory", lambda: raw("process_vm_readv", parent, 0, 0, 0, 0, 0)
    yield "io_uring", lambda: raw("io_uring_setup", 8, ctypes.create_string_buffer(120))
    yield "bpf", lambda: raw("bpf", 0, 0, 0)
    yield "keyctl", lambda: raw("keyctl", 0, 0)
    yield "open_by_handle_at", lambda: raw("open_by_handle_at", -100, 0, 0)


def needs() -> Attempts:
    """What vLLM lives on."""
    yield "the model, by its name", lambda: Path("/model/model.safetensors").read_bytes()
    yield "the model, from a process of its own", lambda: started("/model/model.safetensors")
    yield "a socket to answer on", answer_on
    yield "its own loopback", lambda: meet(socket.AF_INET, ("127.0.0.1", 0))
    yield "its own unix sockets", lambda: meet(socket.AF_UNIX, "/tmp/meeting")
    yield "files in memory", lambda: Path("/tmp/cache").mkdir()
    yield "shared memory", lambda: Path("/dev/shm/segment").write_bytes(b"x")
    yield "threads on cores", lambda: os.sched_setaffinity(0, os.sched_getaffinity(0))
    yield "randomness", lambda: Path("/dev/urandom").open("rb").close()


def started(path: str) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"open({path!r}, 'rb').read()"], check=False, capture_output=True, close_fds=True
    )
    if done.returncode:
        raise OSError(errno.EIO, done.stderr.decode())


def answer_on() -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind("engine.sock")
    os.unlink("engine.sock")


def meet(family: int, address: Any) -> None:
    listener = socket.socket(family)
    listener.bind(address)
    listener.listen()
    caller = socket.socket(family)
    caller.settimeout(5)
    caller.connect(listener.getsockname())


def dial(family: int, address: Any) -> None:
    caller = socket.socket(family)
    caller.settimeout(1)
    caller.connect(address)


def raw(name: str, *arguments: Any) -> None:
    number = NUMBERS[name][("x86_64", "aarch64").index(platform.machine())]
    if LIBC.syscall(ctypes.c_long(number), *arguments) < 0:
        raise OSError(ctypes.get_errno(), "")


LIBC = ctypes.CDLL(None, use_errno=True)

if __name__ == "__main__":
    main()
