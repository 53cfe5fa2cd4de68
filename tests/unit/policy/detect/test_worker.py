# SPDX-License-Identifier: Apache-2.0
"""The detector's process as it really is: it reads, it keeps what it read to itself, and it reaches nobody."""

import json
import os
import subprocess
import sys

import pytest
from tests.unit.policy.detect import test_identifiers as known

from freehold.policy.detect import Reader
from freehold.seal.bpf import machine

TEXTS = [*known.EMAILS, *known.PHONES, *known.IBANS, *known.CARDS, *known.NATIONAL_IDS, *known.IP_ADDRESSES]


def run(program: str, said: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-c", program]
    return subprocess.run(command, input=said, capture_output=True, text=True, timeout=50, check=False)


async def test_it_answers_with_the_kind_and_nothing_else() -> None:
    reader = Reader(patience_s=30.0)
    try:
        assert await reader.find("write to alice@example.fr") == "email"
        assert await reader.find("write to nobody") == ""
        assert await reader.find("half a character: \ud83d") == ""
    finally:
        await reader.aclose()


async def test_a_text_without_an_end_in_sight_is_given_up_and_the_next_one_is_read() -> None:
    reader = Reader(patience_s=50.0)
    try:
        assert await reader.find("+1234567 " * 2**17) == "not-read"
        assert await reader.find("write to alice@example.fr") == "email"
    finally:
        await reader.aclose()


def test_neither_loading_the_libraries_nor_reading_opens_a_socket_a_program_or_a_file_to_write() -> None:
    program = """
import sys, json
seen = []
def watch(event, arguments):
    if event.startswith(("socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.system", "urllib.")):
        seen.append(event)
    if event == "open" and set(str(arguments[1] or "r")) & set("wax+"):
        seen.append(f"open {arguments[0]} {arguments[1]}")
sys.dont_write_bytecode = True
sys.addaudithook(watch)
from freehold.policy.detect.identifiers import kind_in
print(json.dumps({"kinds": [kind_in(text) for text in json.load(sys.stdin)], "seen": seen}))
"""
    done = run(program, json.dumps(TEXTS))
    answer = json.loads(done.stdout)
    assert "" not in answer["kinds"]
    assert answer["seen"] == []


@pytest.mark.skipif(machine() is None, reason="there is no filter of system calls for this machine")
@pytest.mark.parametrize(
    "attempt",
    [
        "import socket; socket.socket()",
        "import socket; socket.socketpair()",
        "import socket; socket.socket(socket.AF_UNIX)",
        "import os; os.execv('/bin/true', ['true'])",
    ],
)
def test_the_kernel_would_refuse_it(attempt: str) -> None:
    done = run(f"from freehold.policy.detect.worker import _enclose\n_enclose()\n{attempt}")
    assert "PermissionError" in done.stderr


def test_an_error_in_a_library_says_nothing_of_the_text() -> None:
    program = """
import sys
from freehold.policy.detect.worker import _kind
print(_kind(int, "alice@example.fr"))
"""
    done = run(program)
    assert done.stdout == "not-read\n"
    assert done.stderr == "a text was not read: ValueError\n"


def test_what_its_gateway_has_open_is_closed_to_it() -> None:
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    worker = subprocess.Popen(
        [sys.executable, "-I", "-m", "freehold.policy.detect.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        close_fds=False,
    )
    os.close(writing)
    with os.fdopen(reading, "rb") as end:
        assert end.read() == b""  # though it still runs
    assert worker.poll() is None
    worker.communicate(timeout=50)


def test_it_ends_with_whoever_started_it() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-m", "freehold.policy.detect.worker"],
        input=b"",
        capture_output=True,
        timeout=50,
        check=True,
    )
    assert done.stdout == done.stderr == b""
