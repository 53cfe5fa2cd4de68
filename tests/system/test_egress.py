# SPDX-License-Identifier: Apache-2.0
"""What a whole estate tries to connect to while it is made, starts, serves, and is asked things: nothing but itself.

The kernel is asked, not the product: every connect(2) and every datagram with an address, of every process, whatever it
is written in.
"""

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.system import clients
from tests.system.estates import FREEHOLD, Estate
from tests.system.waiting import LONG_S
from tests.system.watching import Attempt, Watch

COMMANDS = (
    ("status",),
    ("doctor",),
    ("key", "create", "billing"),
    ("vault", "verify"),
    ("policy", "matrix"),
    ("policy", "prove", "no personal data under authority US"),
    ("provider", "list"),
    ("egress", "list"),
    ("ledger", "verify"),
    ("reload",),
)


def _leaves(attempt: Attempt, estate: Estate) -> bool:
    """Whether it is for anything but the estate's own sockets and ports."""
    if attempt.family == socket.AF_UNIX:
        return not Path(attempt.place).is_relative_to(estate.directory / "run")
    if attempt.family == socket.AF_INET:
        return attempt.place not in {f"127.0.0.1:{port}" for port in (estate.port, estate.admin_port)}
    return attempt.family != socket.AF_UNSPEC


def _chat(estate: Estate, watch: Watch) -> None:
    command = [*watch.prefix, str(FREEHOLD), "chat", "--estate", str(estate.directory)]
    told = subprocess.run(command, input="Say hello.\n", capture_output=True, text=True, timeout=LONG_S, check=False)
    assert told.returncode == 0, told.stderr


@pytest.fixture(scope="module")
def watch(tmp_path_factory: pytest.TempPathFactory) -> Watch:
    return Watch(tmp_path_factory.mktemp("watch"))


@pytest.fixture(scope="module")
def watched(estate: Estate, watch: Watch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    """An estate each of whose commands and processes is watched, from the first on; down again at the end."""
    own = Estate(tmp_path_factory.mktemp("watched") / "estate", enter=watch.prefix)
    try:
        own.run("init")
        own.take_vault_of(estate)
        own.up()
        yield own
    finally:
        own.destroy()
        watch.close()


def test_an_estate_that_serves_calls_connects_to_nothing_but_itself(watched: Estate, watch: Watch) -> None:
    with clients.openai(watched) as openai, clients.anthropic(watched) as anthropic:
        question = [{"role": "user", "content": "Say hello."}]
        openai.chat.completions.create(model="default", messages=question, max_tokens=8)  # type: ignore[arg-type]
        list(openai.chat.completions.create(model="default", messages=question, max_tokens=8, stream=True))  # type: ignore[arg-type]
        anthropic.messages.create(model="default", messages=question, max_tokens=8)  # type: ignore[arg-type]
    for command in COMMANDS:
        watched.attempt(*command)
    _chat(watched, watch)
    watched.down()
    assert any(attempt.family == socket.AF_UNIX for attempt in watch.attempts), "the watch saw nothing at all"
    assert [attempt for attempt in watch.attempts if _leaves(attempt, watched)] == []


def test_the_list_of_an_estate_that_nobody_has_changed_is_empty(estate: Estate) -> None:
    assert estate.ask("egress", "list") == {"hosts": []}


def test_the_watch_sees_what_would_leave(tmp_path: Path) -> None:
    """An address of a documentation's network, and the lookup of a name that is nobody's."""
    watch = Watch(tmp_path)
    script = (
        "import contextlib, socket\n"
        "with contextlib.suppress(OSError):\n"
        "    socket.getaddrinfo('freehold.invalid', 443)\n"
        "with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams, contextlib.suppress(OSError):\n"
        "    datagrams.sendto(b'', ('192.0.2.1', 9))\n"
        "with socket.socket() as stream, contextlib.suppress(OSError):\n"
        "    stream.setblocking(False)\n"
        "    stream.connect(('192.0.2.2', 443))\n"
    )
    Estate(tmp_path, enter=[*watch.prefix, "python3", "-c", script]).attempt()
    watch.close()
    seen = {attempt.place for attempt in watch.attempts}
    assert {"192.0.2.1:9", "192.0.2.2:443"} <= seen
    assert len(seen) > 2, "the lookup of a name was not seen"
